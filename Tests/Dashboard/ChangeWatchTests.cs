using ContentTree.Server.Dashboard;
using ContentTree.Server.Storage;
using ContentTree.Tests.Server;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Dashboard;

/// <summary>What open pages are told of a database that goes away and comes back.</summary>
public sealed class ChangeWatchTests
{
    [PostgresFact]
    public async Task A_database_that_was_restarted_is_looked_at_again_and_each_end_of_it_is_a_change()
    {
        using var temporary = new TemporaryDirectory();
        using var postgres = new PostgresServer();
        var time = new AdjustableTime();
        using var data = DataDirectory.Create(temporary["data"], time);
        using var watch = new ChangeWatch(data, PostgresDatabase.Open(PostgresAddress.Parse(postgres.NewAddress())), time);
        string Look()
        {
            time.Ahead += TimeSpan.FromSeconds(2);
            return watch.Look();
        }
        var before = Look();

        postgres.Kill();
        var away = Look();
        away.Should().NotBe(before);
        Look().Should().Be(away, "nobody is told of it twice");
        postgres.Start();

        await Eventually.TrueAsync(() => Look() != away);
    }
}
