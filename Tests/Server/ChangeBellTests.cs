using ContentTree.Server.Fleet;
using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Fleet;
using ContentTree.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace ContentTree.Tests.Server;

/// <summary>Servers that share a PostgreSQL tell each other what is new, and need not look for it.</summary>
[Trait("Category", "Slow")]
public sealed class ChangeBellTests : IDisposable
{
    private readonly TemporaryDirectory _temporary = new();
    private readonly string _address = PostgresServer.Missing is null ? PostgresServer.Shared.NewAddress() : "";

    private string Data => _temporary["data"];

    public void Dispose() => _temporary.Dispose();

    [PostgresFact]
    public async Task A_rollout_goes_on_at_once_where_nobody_looks_before_an_hour_is_over()
    {
        await ServerCommand.DoAsync("--data", Data, "init");
        await ServerCommand.DoAsync("--data", Data, "migrate", "--to", _address);
        await using var here = await StartAsync();
        await using var there = await StartAsync();
        here.WriteSource("file", "one");
        await ServerCommand.DoAsync("--data", Data, "branch", "pin", "stable", here.Publish().Commit.ToString());
        using var device = await FleetDevice.EnrolledAsync(here, through: there.Http);
        here.WriteSource("file", "two");
        here.Publish();
        await ServerCommand.DoAsync("--data", Data, "rollout", "start", "--branch", "stable", "--to", "stable", "--wave", "100%", "--soak", "0s");

        await UntilAsync(async () =>
        {
            await device.PollAsync();
            using var connection = here.Data.OpenDatabase().Connect();
            return RolloutBook.List(connection, 1) is [{ State: RolloutState.Finished }];
        });
    }

    [PostgresFact]
    public async Task Who_lost_the_connection_listens_again_and_looks_what_was_missed()
    {
        var database = PostgresDatabase.Open(PostgresAddress.Parse(_address));
        var other = PostgresDatabase.Open(PostgresAddress.Parse(PostgresServer.Shared.NewAddress()));
        await using var bell = new ChangeBell(database, NullLogger.Instance);
        await UntilAsync(() => Task.FromResult(bell.Rings == 1));
        var ring = bell.Next;

        using (var connection = other.Connect())
            FleetStamp.Raise(connection);
        using (var connection = database.Connect())
        {
            using (connection.BeginWriting())
                FleetStamp.Raise(connection);
            bell.Rings.Should().Be(1, "another installation rang, and what was taken back");
            FleetStamp.Raise(connection);
        }
        await ring.WaitAsync(TimeSpan.FromMinutes(1));
        bell.Rings.Should().Be(2);

        PostgresServer.Shared.Query(_address, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ctree-server events'");
        await UntilAsync(() => Task.FromResult(bell.Rings == 3));
        using (var connection = database.Connect())
            FleetStamp.Raise(connection);
        await UntilAsync(() => Task.FromResult(bell.Rings == 4));
    }

    private async Task<TestServer> StartAsync()
    {
        var server = await TestServer.StartAsync(Data);
        server.Options = server.Options with { HeadScan = TimeSpan.FromHours(1) };
        await server.RestartAsync();
        return server;
    }

    private static async Task UntilAsync(Func<Task<bool>> isThere)
    {
        for (var patience = 0; patience < 600; patience++)
        {
            if (await isThere())
                return;
            await Task.Delay(100);
        }
        Assert.Fail("it never came");
    }
}
