using ContentTree.Server.Storage;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>The steps of the schema, taken from where an earlier program stopped.</summary>
public sealed class MigrationsTests
{
    [Fact]
    public async Task A_database_that_knows_key_changes_and_no_development_units_yet_is_brought_up_to_date()
    {
        using var directory = new TemporaryDirectory();
        Directory.CreateDirectory(directory["data"]);
        var known = Migrations.Steps.TakeWhile(step => !step.Contains("ADD COLUMN developer", StringComparison.Ordinal)).ToList();
        var earlier = SqliteDatabase.OpenIndex(directory["data/server.db"], string.Join(";", known));
        using (var connection = earlier.Connect())
            connection.Execute($"PRAGMA user_version = {known.Count}");
        await using var server = await TestServer.StartAsync(directory["data"]);
        using var device = new TestDevice(server);
        (await device.EnrolAsync()).EnsureSuccessStatusCode();
        (await device.PollAsync()).EnsureSuccessStatusCode();
        server.Devices().Find(device.Id).Developer.Should().BeNull();
    }
}
