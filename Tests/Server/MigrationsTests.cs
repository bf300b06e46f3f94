using ContentTree.Server.Storage;

namespace ContentTree.Tests.Server;

/// <summary>The steps of the schema, taken from where an earlier program stopped.</summary>
public sealed class MigrationsTests
{
    [Fact]
    public async Task A_database_that_knows_key_changes_and_no_development_units_yet_is_brought_up_to_date()
    {
        await using var server = await TestServer.StartAsync();
        using (var connection = server.Data.OpenDatabase().Connect())
        {
            foreach (var index in new[] { "devices_silent", "devices_told_silent" })
                connection.Execute($"DROP INDEX {index}");
            foreach (var column in new[] { "silent", "silent_told", "told", "agent", "kernel", "memory", "size", "free", "inodes", "low", "address" })
                connection.Execute($"ALTER TABLE devices DROP COLUMN {column}");
            connection.Execute("ALTER TABLE groups DROP COLUMN silent_polls");
            connection.Execute("DROP TABLE transfers");
            connection.Execute("ALTER TABLE tokens DROP COLUMN only_groups");
            connection.Execute("ALTER TABLE devices DROP COLUMN developer");
            connection.Execute("DROP TABLE newest_keys");
            foreach (var table in new[] { "config_values", "config_keys", "config_changes", "configurations" })
                connection.Execute($"DROP TABLE {table}");
            connection.Execute("ALTER TABLE fleet_stamp DROP COLUMN configuration");
            foreach (var column in new[] { "configuration", "configuration_applied", "configuration_applied_at" })
                connection.Execute($"ALTER TABLE devices DROP COLUMN {column}");
            connection.Execute($"PRAGMA user_version = {connection.Query("PRAGMA user_version", row => row.GetInt64(0))[0] - 7}");
            Migrations.Apply(connection, "server.db");
        }
        using var device = new TestDevice(server);
        (await device.EnrolAsync()).EnsureSuccessStatusCode();
        (await device.PollAsync()).EnsureSuccessStatusCode();
        server.Devices().Find(device.Id).Developer.Should().BeNull();
    }
}
