using System.Text.RegularExpressions;
using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;
using ContentTree.Tests.Dashboard;
using ContentTree.Tests.Server;

namespace ContentTree.Tests.Browser;

/// <summary>What devices and publishers write stays text: no page runs it, and the content policy has nothing to refuse.</summary>
[Trait("Category", "Slow")]
public sealed class StoredScriptTests
{
    private static readonly string[] Payloads =
    [
        "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'><svg onload=alert(1)>", "</title><script>alert(1)</script>", "javascript:alert(1)",
        "\" autofocus onfocus=alert(1) x=\"", "</textarea></pre><iframe srcdoc='<script>alert(1)</script>'>", "{{7*7}}${7*7}", "<a href=javascript:alert(1)>x</a>", "&lt;script&gt;alert(1)&lt;/script&gt;",
        "<style>*{display:none}</style>", "<meta http-equiv=refresh content=0;url=//evil.example>", "<base href=//evil.example>", "<form action=//evil.example><button>x</button>",
    ];

    [BrowserFact]
    public async Task No_text_of_a_device_or_publisher_runs_or_breaks_a_page()
    {
        await using var server = await TestServer.StartAsync();
        var time = server.Time.GetUtcNow();
        var ids = new List<string>();
        var commits = new List<ObjectId>();
        foreach (var (payload, number) in Payloads.Select((p, i) => (p, i)))
        {
            server.WriteSource($"file {number} {payload.Replace('/', '|')}", payload);
            var published = new Publisher(server.Data, server.Time).Publish(new PublishOptions
            {
                Branch = BranchName.Parse("stable"),
                Source = server.Source,
                Subject = payload,
                Version = number == 0 ? "<script>alert(1)" : $"{number}\"><b>",
                Compatible = [payload],
                Reason = payload,
            }, CancellationToken.None);
            commits.Add(published.Commit);
            using var device = new TestDevice(server);
            var pem = device.Key.Public.Pem;
            await device.SendAsync(Routes.Enrol, new EnrolRequest(pem, payload, payload, payload, BranchName.Parse("stable"), number % 2 == 0 ? server.NewToken(TokenRole.Enrol) : null, payload), ProtocolJson.Default.EnrolRequest);
            ids.Add(device.Id.ToString());
            if (number % 2 != 0)
                continue;
            await device.PollAsync(new PollRequest(BranchName.Parse("stable"), payload, 1, 1, Running: commits[0], Failed: published.Commit));
            await device.ReportAsync(new ReportEvent(1, time, payload, published.Commit, payload, 1, payload), new ReportEvent(2, time, EventKind.FellBack, published.Commit, payload, 1, payload));
            await device.SendAsync(Routes.BlackBoxes, new BlackBoxRequest("2-" + number, string.Join('\n', Payloads)), ProtocolJson.Default.BlackBoxRequest);
            await ServerCommand.DoAsync("--data", server.DataPath, "device", "hold", device.Id.ToString(), "--reason", payload);
        }
        var rollouts = await FailedRolloutsAsync(server, ids, commits);
        await using var browser = await Chromium.StartAsync();
        using var client = await PageClient.LogInAsync(server);
        await browser.SendAsync("Network.setCookie", new() { ["name"] = "ctree-session", ["value"] = client.Cookie("ctree-session"), ["url"] = server.Url });
        string[] pages = [
            "/", "/devices", "/devices?q=" + Uri.EscapeDataString(Payloads[1]), "/devices?standing=" + Uri.EscapeDataString(Payloads[1]), "/devices?filter=" + Uri.EscapeDataString("name=='" + Payloads[1]), "/approvals", "/branches", "/branches/stable", "/log/stable",
            $"/diff?a={commits[0]}&b={commits[^1]}", "/diff?a=" + Uri.EscapeDataString(Payloads[1]), "/publish?branch=" + Uri.EscapeDataString(Payloads[5]), "/storage", "/audit", "/audit?actor=" + Uri.EscapeDataString(Payloads[1]),
            "/groups", .. rollouts.Select((_, i) => $"/groups/said-{i}"), "/rollouts", "/rollouts/start?scope=" + Uri.EscapeDataString(Payloads[1]) + "&commit=" + Uri.EscapeDataString(Payloads[5]), .. rollouts.Select(id => "/rollouts/" + id),
            .. ids.Select(id => "/devices/" + id), .. commits.Select(c => $"/commits/{c}"), .. Payloads.Select(p => "/login?to=" + Uri.EscapeDataString(p)),
        ];
        foreach (var path in pages)
        {
            await browser.GoAsync(server.Url + path);
            (await browser.NumberAsync("document.scripts.length")).Should().Be(1, path);
            (await browser.NumberAsync("document.querySelectorAll('main script, iframe, base, main style, main meta, main img, [onload], [onerror], [onfocus], a[href^=\"javascript:\"], form[action*=evil]').length")).Should().Be(0, path);
            (await browser.StringAsync("location.host")).Should().Be(new Uri(server.Url).Authority, path);
        }
        await browser.GoAsync(server.Url + "/devices/" + ids[0]);
        await browser.ClickAsync("#boxes ~ ul summary");
        (await browser.TextAsync()).Should().Contain(Payloads[6], "it is there to be read, as it was written");
        await browser.GoAsync($"{server.Url}/rollouts/{rollouts[3]}");
        (await browser.TextAsync()).Should().MatchRegex("(?s)" + Regex.Escape(Payloads[6]) + ".*Failed, by what they said.*" + Regex.Escape(Payloads[6]));
        browser.Dialogs.Should().Be(0);
        browser.Complaints.Should().BeEmpty("the content policy has nothing to refuse");
    }

    [BrowserFact]
    public async Task The_content_policy_stops_a_script_that_were_there_all_the_same()
    {
        await using var server = await TestServer.StartAsync();
        await using var browser = await Chromium.StartAsync();
        await browser.GoAsync(server.Url + "/login");
        await browser.EvaluateAsync("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"document.title=1\">'); const s = document.createElement('script'); s.textContent = 'document.title=1'; document.body.append(s)");
        await browser.EvaluateAsync("new Promise(done => setTimeout(done, 500))");
        (await browser.TitleAsync()).Should().StartWith("Log in");
        browser.Complaints.Should().Contain(c => c.Contains("Content Security Policy", StringComparison.Ordinal));
    }

    // One for each device that has said something, which fails there.
    private static async Task<IReadOnlyList<long>> FailedRolloutsAsync(TestServer server, IReadOnlyList<string> ids, IReadOnlyList<ObjectId> commits)
    {
        var rollouts = new List<long>();
        for (var number = 0; number < Payloads.Length; number += 2)
        {
            var device = KeyId.Parse(ids[number]);
            await ServerCommand.DoAsync("--data", server.DataPath, "group", "set", $"said-{number / 2}", "--filter", $"name==\"{Payloads[number].Replace("\"", "'", StringComparison.Ordinal)}\"");
            await ServerCommand.DoAsync("--data", server.DataPath, "group", "add", $"said-{number / 2}", ids[number]);
            await ServerCommand.DoAsync("--data", server.DataPath, "group", "hold", $"said-{number / 2}", "--reason", Payloads[number]);
            await ServerCommand.DoAsync("--data", server.DataPath, "rollout", "start", "--branch", "stable", "--to", commits[number].ToString(), "--max-failures", "1000", "--reason", Payloads[number]);
            using (var connection = server.Data.OpenDatabase().Connect())
            {
                var rollout = RolloutBook.List(connection, 1)[0];
                RolloutBook.TryOffer(connection, rollout, device, 0, server.Time.GetUtcNow()).Should().BeTrue();
                RolloutBook.Note(connection, device, new PollRequest(BranchName.Parse("stable"), "fallback", 1, 1, Failed: rollout.Commit), server.Time.GetUtcNow());
                rollouts.Add(rollout.Id);
            }
            await ServerCommand.DoAsync("--data", server.DataPath, "rollout", "abort", rollouts[^1].ToString(System.Globalization.CultureInfo.InvariantCulture), "--reason", Payloads[number]);
        }
        return rollouts;
    }
}
