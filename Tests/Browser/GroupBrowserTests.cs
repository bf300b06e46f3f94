using ContentTree.Store.Protocol;
using ContentTree.Tests.Dashboard;
using ContentTree.Tests.Fleet;
using ContentTree.Tests.Server;

namespace ContentTree.Tests.Browser;

/// <summary>A group in a real browser: made, pinned after a look at whom that changes, and what its devices then say of it; and many devices at once.</summary>
[Trait("Category", "Slow")]
public sealed class GroupBrowserTests
{
    [BrowserTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_group_is_made_and_pinned_and_its_devices_say_why_they_differ(bool withScripts)
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        var old = server.Publish().Commit;
        server.WriteSource("file", "two");
        server.Publish();
        using var first = await FleetDevice.EnrolledAsync(server, name: "lab-1");
        using var second = await FleetDevice.EnrolledAsync(server, name: "field-1");
        await first.PollAsync();
        await second.PollAsync();
        await using var browser = await Chromium.StartAsync();
        if (!withScripts)
            await browser.WithoutScriptsAsync();
        using var client = await PageClient.LogInAsync(server, TokenRole.Operator);
        await browser.SendAsync("Network.setCookie", new() { ["name"] = "ctree-session", ["value"] = client.Cookie("ctree-session"), ["url"] = server.Url });

        await browser.GoAsync(server.Url + "/groups");
        await browser.ClickAsync("summary", "New group");
        await browser.TypeAsync("input[name=name]", "lab");
        await browser.TypeAsync("input[name=filter]", "name~lab-*");
        await browser.FollowAsync("button", "Look whom it holds");
        (await browser.TextAsync()).Should().Contain("1 device");
        await browser.FollowAsync("button.main");
        (await browser.TextAsync()).Should().Contain("Group lab holds 1 device");

        await browser.ClickAsync("summary", "Say what they are to do");
        await browser.TypeAsync("input[name=commit]", $"{old}");
        await browser.TypeAsync("details[open] input[name=reason]", "the fair goes on until Sunday");
        await browser.FollowAsync("button", "Look what it changes");
        (await browser.TitleAsync()).Should().StartWith("Pin group lab?");
        await browser.FollowAsync("button", "Pin: 1 device changes");
        (await browser.TextAsync()).Should().Contain("the fair goes on until Sunday");

        await browser.GoAsync($"{server.Url}/devices/{first.Id}");
        (await browser.TextAsync()).Should().Contain("lab").And.Contain("the fair goes on until Sunday").And.Contain($"{old}"[..12]);

        // Two at once, by a filter and their boxes.
        await browser.GoAsync(server.Url + "/devices");
        await browser.TypeAsync("input[name=filter]", "name~*-1");
        await browser.FollowAsync("button", "Show");
        await browser.ClickAsync($"input[value='{first.Id}']");
        await browser.ClickAsync($"input[value='{second.Id}']");
        await browser.FollowAsync("button", "Hold the chosen");
        (await browser.TitleAsync()).Should().StartWith("Hold 2 devices?");
        await browser.FollowAsync("button", "Hold 2 devices");
        (await browser.TextAsync()).Should().Contain("2 devices held");
        server.Devices().List(2).Should().OnlyContain(d => d.Assignment!.Action == "hold");
        browser.Complaints.Should().BeEmpty();
    }
}
