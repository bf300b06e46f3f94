using ContentTree.Server.Storage;
using ContentTree.Tests.Dashboard;
using ContentTree.Tests.Server;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Browser;

/// <summary>Pictures of all pages in light and dark and on a phone, into .work/screenshots, for people to look at; nothing may stick out.</summary>
[Trait("Category", "Slow")]
public sealed class PictureTests
{
    private static readonly (string Name, int Width, int Height, bool Dark)[] Looks = [("light", 1280, 800, false), ("dark", 1280, 800, true), ("phone", 360, 740, false)];

    [BrowserFact]
    public async Task No_page_is_wider_than_its_window()
    {
        await using var server = await TestServer.StartAsync();
        var fleet = await DemoFleet.MakeAsync(server);
        var folder = ProjectFiles.PathOf(".work/screenshots");
        Directory.CreateDirectory(folder);
        await using var browser = await Chromium.StartAsync();
        using var client = await PageClient.LogInAsync(server);
        await TakeAsync(browser, server, folder, "login", "/login");
        await browser.SendAsync("Network.setCookie", new() { ["name"] = "ctree-session", ["value"] = client.Cookie("ctree-session"), ["url"] = server.Url });
        foreach (var (name, path) in new[]
        {
            ("overview", "/"), ("devices", "/devices"), ("device", $"/devices/{fleet.FellBack}"), ("approvals", "/approvals"), ("branches", "/branches"), ("branch", "/branches/stable"), ("log", "/log/edge"),
            ("commit", $"/commits/{fleet.Newest}"), ("diff", "/diff?a=stable&b=edge"), ("publish", "/publish"), ("groups", "/groups"), ("group", "/groups/scopes"), ("rollouts", "/rollouts"), ("rollout", "/rollouts/1"), ("start", "/rollouts/start?scope=branch:stable&commit=stable"), ("storage", "/storage"), ("audit", "/audit"), ("users", "/users"), ("tokens", "/tokens"), ("webhooks", "/webhooks"), ("account", "/account"),
            ("missing", "/devices/0000000000000000"),
        })
            await TakeAsync(browser, server, folder, name, path);
        browser.Complaints.Should().NotContain(c => !c.Contains("0000000000000000", StringComparison.Ordinal));
    }

    [BrowserFact]
    public async Task A_server_on_which_nothing_has_happened_says_what_to_do()
    {
        await using var server = await TestServer.StartAsync();
        var folder = ProjectFiles.PathOf(".work/screenshots");
        Directory.CreateDirectory(folder);
        await using var browser = await Chromium.StartAsync();
        using var client = await PageClient.LogInAsync(server);
        await browser.SendAsync("Network.setCookie", new() { ["name"] = "ctree-session", ["value"] = client.Cookie("ctree-session"), ["url"] = server.Url });
        foreach (var name in new[] { "overview", "devices", "approvals", "branches", "groups", "rollouts", "plans", "configuration", "publish", "storage", "webhooks", "tokens", "reference" })
            await TakeAsync(browser, server, folder, "empty-" + name, name == "overview" ? "/" : "/" + name);
        browser.Complaints.Should().BeEmpty();
    }

    [BrowserFact]
    public async Task A_hundred_thousand_devices_make_no_page_wide_or_heavy()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("etc/version", "1");
        var commit = server.Publish().Commit;
        await ServerCommand.DoAsync("--data", server.DataPath, "group", "set", "all");
        using (var connection = server.Data.OpenDatabase().Connect())
        {
            connection.Execute("""
                WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
                INSERT INTO devices (id, name, hardware, architecture, branch, state, enrolled, last_seen, running, sync, words)
                SELECT substr('0000000000000000' || i, length('' || i) + 1, 16), 'a-device-with-quite-a-name-' || i, 'scope-3b', 'aarch64', 'stable', CASE WHEN i % 500 = 0 THEN 'pending' ELSE 'accepted' END, $now, $now, $running,
                  CASE WHEN i % 3 = 0 THEN 'behind' ELSE 'in-sync' END, 'a-device-with-quite-a-name-' || i FROM n
                """, ("$now", server.Time.GetUtcNow()), ("$running", commit));
            connection.Execute("INSERT INTO group_members (group_name, device, listed) SELECT 'all', id, 1 FROM devices");
        }
        var folder = ProjectFiles.PathOf(".work/screenshots");
        Directory.CreateDirectory(folder);
        await using var browser = await Chromium.StartAsync();
        using var client = await PageClient.LogInAsync(server);
        await browser.SendAsync("Network.setCookie", new() { ["name"] = "ctree-session", ["value"] = client.Cookie("ctree-session"), ["url"] = server.Url });
        foreach (var (name, path) in new[] { ("overview", "/"), ("devices", "/devices"), ("group", "/groups/all"), ("approvals", "/approvals"), ("branch", "/branches/stable"), ("rollout", "/rollouts/start?scope=group:all&commit=stable") })
        {
            (await client.ReadAsync(path)).Length.Should().BeLessThan(150_000, path);
            await TakeAsync(browser, server, folder, "many-" + name, path);
        }
        browser.Complaints.Should().BeEmpty();
    }

    private static async Task TakeAsync(Chromium browser, TestServer server, string folder, string name, string path)
    {
        await browser.GoAsync(server.Url + path);
        foreach (var (look, width, height, dark) in Looks)
        {
            await browser.LookAsync(width, height, dark);
            (await browser.NumberAsync("document.documentElement.scrollWidth")).Should().BeLessThanOrEqualTo(width, $"{path} on {look}");
            var whole = (int)Math.Min(3000, await browser.NumberAsync("document.documentElement.scrollHeight"));
            await File.WriteAllBytesAsync(Path.Combine(folder, $"{name}-{look}.png"), await browser.PictureAsync(width, Math.Max(height, whole)));
        }
    }
}
