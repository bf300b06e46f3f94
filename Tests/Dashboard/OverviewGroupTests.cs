using ContentTree.Server.Dashboard.Login;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Server;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Dashboard;

/// <summary>The first page says how each of the largest groups stands.</summary>
public sealed class OverviewGroupTests : IAsyncLifetime
{
    private TestServer _server = null!;
    private ObjectId _old;
    private ObjectId _new;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.WriteSource("file", "one");
        _old = _server.Publish().Commit;
        _server.WriteSource("file", "two");
        _new = _server.Publish().Commit;
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task The_dozen_largest_groups_have_a_bar_with_its_numbers_in_words()
    {
        FillDevices(30);
        foreach (var i in Enumerable.Range(1, 14))
            FillGroup($"group-{i}", i * 2);
        FillGroup("nobody", 0);
        using var client = await PageClient.LogInAsync(_server, TokenRole.Viewer, "vera");
        var page = await client.ReadAsync("/");
        page.Should().Contain("aria-label=\"14 in sync, 14 behind\"").And.Contain("href=\"/groups/group-14\"").And.Contain("<strong>group-3</strong>").And.NotContain("group-2<").And.NotContain("nobody").And.Contain("3 more groups");
        page.IndexOf("<strong>group-14<", StringComparison.Ordinal).Should().BeLessThan(page.IndexOf("<strong>group-13<", StringComparison.Ordinal));
        const string behind = "/devices?standing=behind&amp;filter=group%3D%3D%22group-3%22";
        page.Should().Contain($"href=\"{behind}\">behind 3</a>");
        (await client.ReadAsync(behind.Replace("&amp;", "&", StringComparison.Ordinal))).Should().Contain("device-2<").And.NotContain("device-1<").And.NotContain("device-8<");
    }

    [Fact]
    public async Task Whoever_is_limited_to_groups_sees_the_bars_of_these_alone()
    {
        FillDevices(6);
        FillGroup("lab", 4);
        FillGroup("meadow", 6);
        new Users(_server.Data.OpenDatabase(), _server.Time).Add("leo", TokenRole.Viewer, PageClient.Password, ["lab"]);
        using var client = await PageClient.LogInAsync(_server, TokenRole.Viewer, "leo");
        (await client.ReadAsync("/")).Should().Contain("<strong>lab</strong>").And.NotContain("meadow");
    }

    [Fact]
    public async Task Nobody_waits_for_the_groups_of_a_large_fleet()
    {
        FillDevices(6000);
        FillGroup("all", 6000);
        using var client = await PageClient.LogInAsync(_server, TokenRole.Viewer, "vera");
        (await client.ReadAsync("/")).Should().Contain("The groups are being counted").And.NotContain("<strong>all</strong>");
        await Eventually.TrueAsync(async () => (await client.ReadAsync("/")).Contains("aria-label=\"3 000 in sync, 3 000 behind\"", StringComparison.Ordinal));
    }

    private void FillDevices(int count)
    {
        using var connection = _server.Data.OpenDatabase().Connect();
        connection.Execute($"""
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
            INSERT INTO devices (id, name, hardware, architecture, branch, state, enrolled, last_seen, running, sync, words)
            SELECT substr('0000000000000000' || i, length('' || i) + 1, 16), 'device-' || i, 'scope-3b', 'aarch64', 'stable', 'accepted', $now, $now, CASE WHEN i % 2 = 0 THEN $old ELSE $new END, CASE WHEN i % 2 = 0 THEN 'behind' ELSE 'in-sync' END, 'x' FROM n
            """, ("$now", _server.Time.GetUtcNow()), ("$old", _old), ("$new", _new));
    }

    private void FillGroup(string name, int count)
    {
        using var connection = _server.Data.OpenDatabase().Connect();
        connection.Execute("INSERT INTO groups (name, rank, filter, created) VALUES ($name, 100, NULL, $now)", ("$name", name), ("$now", _server.Time.GetUtcNow()));
        connection.Execute("INSERT INTO group_members (group_name, device, listed) SELECT $name, id, 1 FROM devices ORDER BY id LIMIT $count", ("$name", name), ("$count", count));
    }
}
