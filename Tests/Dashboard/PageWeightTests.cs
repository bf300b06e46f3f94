using System.Text.Json;
using System.Text.RegularExpressions;
using ContentTree.Server.Auditing;
using ContentTree.Server.Dashboard;
using ContentTree.Server.Fleet.Configurations;
using ContentTree.Server.Fleet.Expected;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;
using ContentTree.Tests.Server;

namespace ContentTree.Tests.Dashboard;

/// <summary>However much there is, a page is small enough for a phone on a weak link, and the rest of a list is a click away.</summary>
public sealed partial class PageWeightTests : IAsyncLifetime
{
    private const int MostCharacters = 150_000;

    private TestServer _server = null!;

    public async Task InitializeAsync() => _server = await TestServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task No_page_grows_with_what_there_is()
    {
        _server.WriteSource("file", "one");
        var commit = _server.Publish().Commit;
        using var client = await PageClient.LogInAsync(_server);
        Fill($"{commit}");
        foreach (var path in PageTable.All.Where(r => r.Method == "GET").Select(r => Filled(r.Pattern, $"{commit}")).OfType<string>())
            (await client.ReadAsync(path)).Length.Should().BeLessThan(MostCharacters, path);
    }

    [Fact]
    public async Task The_rest_of_a_list_is_a_click_away()
    {
        using var client = await PageClient.LogInAsync(_server);
        using (var connection = _server.Data.OpenDatabase().Connect())
            connection.Execute(Numbers(230) + "INSERT INTO groups (name, rank, filter, created) SELECT 'group-' || i, i, NULL, $now FROM n", ("$now", _server.Time.GetUtcNow()));
        var (seen, pages) = (new List<string>(), 0);
        for (var path = "/groups"; path is not null; pages++)
        {
            var page = await client.ReadAsync(path);
            seen.AddRange(Group().Matches(page).Select(m => m.Groups[1].Value));
            page.Contains("First page", StringComparison.Ordinal).Should().Be(pages > 0);
            path = Next().Match(page) is { Success: true } next ? next.Groups[1].Value : null;
        }
        pages.Should().Be(5);
        seen.Should().Equal(Enumerable.Range(1, 230).Select(i => $"group-{i}"));
        (await client.ReadAsync("/groups")).Should().Contain("180 more").And.NotContain("First page");
        foreach (var beside in new[] { "/groups?from=230", "/groups?from=-1", "/groups?from=99999999999" })
            (await client.ReadAsync(beside)).Should().Contain("/groups/group-1\"", "whoever asks for what is not there begins anew");
    }

    private void Fill(string commit)
    {
        var now = _server.Time.GetUtcNow();
        var database = _server.Data.OpenDatabase();
        var plan = JsonSerializer.Serialize(new RolloutPlan([new RolloutWave(1), new RolloutWave(10), new RolloutWave(100)]), ProtocolJson.Default.RolloutPlan);
        using (var connection = database.Connect())
        {
            foreach (var (sql, parameters) in new (string, (string, object?)[])[]
            {
                ("INSERT INTO tokens (id, hash, role, created) SELECT 'token-' || i, $hash, 'enrol', $now FROM n", [("$hash", new byte[32]), ("$now", now)]),
                ("INSERT INTO users (name, role, password, created) SELECT 'somebody-with-a-name-' || i, 'viewer', 'x', $now FROM n", [("$now", now)]),
                ("INSERT INTO groups (name, rank, filter, created) SELECT 'a-group-of-devices-with-a-long-name-' || i, i, 'hardware~scope-* and label.site==berlin and label.floor==' || i, $now FROM n WHERE i <= 1000", [("$now", now)]),
                ("INSERT INTO policies (scope, action, commit_id, reason, author, created, plan) SELECT 'group:' || name, 'pin', $commit, $reason, 'user ada', $now, $plan FROM groups", [("$commit", commit), ("$reason", new string('r', 200)), ("$now", now), ("$plan", plan)]),
                ("INSERT INTO empty_branches (name) SELECT 'a/branch/that/has/a/name/as/long/as/they/come/when/machines/make/them/' || i FROM n", []),
                ("INSERT INTO webhooks (id, url, events, secret, created, failures, next) SELECT 'hook-' || i, $url || i, 'device.enrolled device.failed rollout.ended', 'x', $now, 0, 0 FROM n WHERE i <= 100", [("$url", "https://chat.example/" + new string('u', 1500)), ("$now", now)]),
                ("""
                INSERT INTO devices (id, name, hardware, architecture, serial, branch, state, enrolled, last_seen, running, sync, words)
                SELECT substr('0000000000000000' || i, length('' || i) + 1, 16), 'a-device-with-quite-a-name-' || i, 'scope-3b', 'aarch64', 'SN-2026-0000-' || i,
                  CASE WHEN i % 2 = 0 THEN 'stable' ELSE 'a/branch/that/has/a/name/as/long/as/they/come/when/machines/make/them/' || i END, CASE WHEN i % 3 = 0 THEN 'pending' ELSE 'accepted' END, $now, $now, $commit, 'behind', 'x' FROM n
                """, [("$commit", commit), ("$now", now)]),
                ("INSERT INTO group_members (group_name, device, listed) SELECT 'a-group-of-devices-with-a-long-name-1', id, 1 FROM devices", []),
            })
                connection.Execute((sql.Contains("FROM n", StringComparison.Ordinal) ? Numbers(3000) : "") + sql, parameters);
        }
        var configuration = new ConfigurationChanges(_server.Data, database, _server.Time);
        foreach (var i in Enumerable.Range(0, 64))
        {
            configuration.Define(ConfigurationKey.Parse($"key_{i}"), new ConfigurationKeyRequest("text", false, new string('d', 200)));
            configuration.Set(new ConfigurationScope.Fleet(), new ConfigurationRequest(new Dictionary<string, string?> { [$"key_{i}"] = new string('v', 800) }, new string('w', 200)), "user ada");
        }
        new ExpectedDevices(database, _server.Time).Add(ExpectedList.Parse(System.Text.Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 3000).Select(i => $"SERIAL-{i} group=a-group-of-devices-with-a-long-name-{i % 900 + 1} label.site=berlin\n")))), "user ada");
        var audit = new Audit(_server.Data, _server.Time);
        foreach (var i in Enumerable.Range(0, 120))
            audit.Note(Actor.Here, "device.hold", $"subject {i}", new string('b', 600), new string('a', 600), new string('r', 600));
        var kept = new SavedFilters(database);
        foreach (var i in Enumerable.Range(0, 50))
            kept.Keep("ada", new SavedFilter($"{new string('n', 50)} {i:00}", "filter=" + Uri.EscapeDataString($"name~a-device-* and ({string.Join(" or ", Enumerable.Repeat($"label.floor=={i}", 20))})")));
    }

    // Null for what is no page.
    private static string? Filled(string pattern, string commit) => pattern switch
    {
        "/log/{**name}" => "/log/stable",
        "/branches/{**name}" => "/branches/stable",
        "/commits/{id}" => $"/commits/{commit}",
        "/diff" => $"/diff?a={commit}&b={commit}",
        "/devices/{id}" => "/devices/0000000000000001",
        "/groups/{name}" => "/groups/a-group-of-devices-with-a-long-name-1",
        "/configuration/{scope}" => "/configuration/device:0000000000000001",
        "/webhooks/{id}" => "/webhooks/hook-1",
        "/plans/edit" => "/plans/edit?scope=branch:stable",
        "/live" or "/audit.csv" or "/devices.csv" or "/login" or "/login/issuer" or "/login/issuer/return" => null,
        _ => pattern.Contains('{', StringComparison.Ordinal) ? null : pattern,
    };

    private static string Numbers(int most) => $"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {most}) ";

    [GeneratedRegex("href=\"/groups/(group-[0-9]+)\"")]
    private static partial Regex Group();

    [GeneratedRegex("rel=\"next\" href=\"([^\"]+)\"")]
    private static partial Regex Next();
}
