using ContentTree.Store.Protocol;
using ContentTree.Tests.Dashboard;
using ContentTree.Tests.Fleet;
using ContentTree.Tests.Server;

namespace ContentTree.Tests.Browser;

/// <summary>A rollout in a real browser: begun, stopped by itself on failures, taken back.</summary>
[Trait("Category", "Slow")]
public sealed class RolloutBrowserTests
{
    [BrowserTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task It_is_started_stops_itself_on_failures_and_is_taken_back(bool withScripts)
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        var old = server.Publish().Commit;
        using var first = await FleetDevice.EnrolledAsync(server, name: "lab-1");
        using var second = await FleetDevice.EnrolledAsync(server, name: "lab-2");
        await ServerCommand.DoAsync("--data", server.DataPath, "branch", "pin", "stable", $"{old}");
        server.WriteSource("file", "two");
        var bad = server.Publish().Commit;
        await using var browser = await Chromium.StartAsync();
        if (!withScripts)
            await browser.WithoutScriptsAsync();
        using var client = await PageClient.LogInAsync(server, TokenRole.Operator);
        await browser.SendAsync("Network.setCookie", new() { ["name"] = "ctree-session", ["value"] = client.Cookie("ctree-session"), ["url"] = server.Url });

        await browser.GoAsync(server.Url + "/rollouts");
        await browser.FollowAsync("a.button", "Start one");
        await browser.GoAsync(server.Url + "/rollouts/start?scope=branch:stable&commit=stable");
        await browser.FollowAsync("button", "Look whom it reaches");
        (await browser.TitleAsync()).Should().StartWith("Start a rollout to 2 devices?");
        await browser.FollowAsync("button", "Start for 2 devices");
        (await browser.TextAsync()).Should().Contain("It has begun").And.Contain("failed 0, stops at 1");

        // Of two devices one is the first wave, and fails there.
        foreach (var device in new[] { first, second })
        {
            device.Bad = bad;
            if (await device.PollAsync() == bad)
                await device.ComplainAsync(bad, "eth0 never came up");
        }
        if (withScripts)
            await browser.UntilAsync("document.body.innerText.includes('1 of 1 devices failed.')");
        for (var i = 0; i < 100 && !(await browser.TextAsync() is var text && text.Contains("eth0 never came up", StringComparison.Ordinal) && text.Contains("1 of 1 devices failed.", StringComparison.Ordinal)); i++)
            await browser.GoAsync(server.Url + "/rollouts/1");
        (await browser.TextAsync()).Should().Contain("failed 1, stops at 1").And.Contain("Failed, by what they said");

        await browser.ClickAsync("summary", "Revert");
        (await browser.TextAsync()).Should().Contain("Take 1 device back");
        await browser.FollowAsync("button", "Take 1 device back");
        (await browser.TextAsync()).Should().Contain("Its devices go back to what they ran before");
        (await browser.StringAsync("document.querySelector('.title .chip').textContent")).Should().Be("reverted");
        browser.Complaints.Should().BeEmpty();
    }
}
