using System.Text.Json;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Dashboard;

namespace ContentTree.Tests.Server;

/// <summary>How old the last backup is: measured, and said where people look, once there ever was one.</summary>
public sealed class BackupAgeTests : IAsyncLifetime
{
    private TestServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.WriteSource("file", "one");
        _server.Publish();
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task One_that_gets_old_is_said_everywhere_and_the_next_one_ends_that(bool isRemote)
    {
        (await MetricsAsync()).Should().NotContain("ctree_backup");
        _server.Time.Ahead += TimeSpan.FromDays(30);
        (await LooksAsync()).Should().Be((false, false, false), "who never made one does it otherwise");

        await BackUpAsync(isRemote, "one.tar");
        var made = isRemote ? _server.Time.GetUtcNow() : DateTimeOffset.UtcNow;
        _server.Time.Ahead = made + TimeSpan.FromDays(6) - DateTimeOffset.UtcNow;
        (await LooksAsync()).Should().Be((false, false, false));
        _server.Time.Ahead += TimeSpan.FromDays(2);
        (await LooksAsync()).Should().Be((true, true, true));
        var metrics = await MetricsAsync();
        metrics.Should().Contain("ctree_backup_max_age_seconds 604800\n");
        double.Parse(metrics.Split("\nctree_backup_age_seconds ")[1].Split('\n')[0], System.Globalization.CultureInfo.InvariantCulture).Should().BeInRange(8 * 86400 - 60, 8 * 86400 + 3600);
        (await (await _server.SendAsync(HttpMethod.Get, $"{Routes.Monitoring}/rules", token: _server.Admin)).Content.ReadAsStringAsync()).Should().Contain("ctree_backup_age_seconds > ctree_backup_max_age_seconds");

        await BackUpAsync(isRemote: true, "two.tar");
        (await LooksAsync()).Should().Be((false, false, false));
    }

    [Fact]
    public async Task The_settings_say_how_old_is_too_old()
    {
        await BackUpAsync(isRemote: true, "one.tar");
        _server.Time.Ahead += TimeSpan.FromDays(400);
        _server.WriteSettings("backup.days = 0\n");
        (await LooksAsync()).Should().Be((false, false, false));
        (await MetricsAsync()).Should().Contain("ctree_backup_age_seconds").And.NotContain("ctree_backup_max_age_seconds");
        _server.WriteSettings("backup.days = 500\n");
        (await LooksAsync()).Should().Be((false, false, false));
        _server.WriteSettings("backup.days = often\n");
        (await ServerCommand.RunAsync("--data", _server.DataPath, "gc", "--dry-run")).Error.Should().Contain("backup.days is a number from 0");
    }

    [Fact]
    public async Task One_that_something_was_left_out_of_does_not_count()
    {
        var damaged = Directory.GetFiles(Path.Combine(_server.Data.Repository.Path, "objects"), "*.file", SearchOption.AllDirectories)[0];
        File.Delete(damaged);
        File.WriteAllText(damaged, "no frame");
        (await ServerCommand.RunAsync("--data", _server.DataPath, "backup", _server["one.tar"])).Exit.Should().Be((int)ExitCode.Partial);
        (await MetricsAsync()).Should().NotContain("ctree_backup");
    }

    private Task BackUpAsync(bool isRemote, string name) =>
        ServerCommand.DoAsync(["backup", _server[name], .. isRemote ? ["--server", _server.Url, "--token", _server.Admin] : new[] { "--data", _server.DataPath }]);

    private async Task<string> MetricsAsync() => await (await _server.SendAsync(HttpMethod.Get, "/metrics", token: _server.Admin)).EnsureSuccessStatusCode().Content.ReadAsStringAsync();

    private async Task<(bool Page, bool Interface, bool Terminal)> LooksAsync()
    {
        using var client = await PageClient.LogInAsync(_server);
        var overview = await (await _server.SendAsync(HttpMethod.Get, Routes.Overview, token: _server.Admin)).EnsureSuccessStatusCode().Content.ReadAsStringAsync();
        var top = (await ServerCommand.DoAsync("top", "--once", "--server", _server.Url, "--token", _server.Admin)).Out;
        return ((await client.ReadAsync("/")).Contains("The last backup is 8 days old", StringComparison.Ordinal), JsonSerializer.Deserialize(overview, ProtocolJson.Default.OverviewInfo)!.OldBackup is not null,
            top.Contains("last backup 8 days old", StringComparison.Ordinal));
    }
}
