using System.Formats.Tar;
using ContentTree.Server.Publishing;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Dashboard;
using ContentTree.Tests.Server;

namespace ContentTree.Tests.Browser;

/// <summary>An operator's day in a real browser: from the printed link on, with scripts and without, and with the keyboard alone.</summary>
[Trait("Category", "Slow")]
public sealed class OperatorTests
{
    [BrowserTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task From_the_printed_link_to_a_device_that_runs_what_was_published(bool withScripts)
    {
        await using var server = await TestServer.StartAsync();
        await using var browser = await Chromium.StartAsync();
        if (!withScripts)
            await browser.WithoutScriptsAsync();
        var link = (await ServerCommand.DoAsync("--data", server.DataPath, "admin-link", "--url", server.Url)).LastLine;
        await browser.GoAsync(link);
        await browser.TypeAsync("input[name=name]", "ada");
        await browser.TypeAsync("input[name=password]", PageClient.Password);
        await browser.TypeAsync("input[name=again]", PageClient.Password);
        await browser.FollowAsync("button.main");
        (await browser.TitleAsync()).Should().StartWith("Overview");
        (await browser.TextAsync()).Should().Contain("No device yet");

        // A device comes and waits.
        using var device = new TestDevice(server);
        await device.EnrolAsync();
        await browser.GoAsync(server.Url + "/approvals");
        await browser.ClickAsync("input[type=checkbox]");
        await browser.FollowAsync("button", "Accept the chosen");
        (await browser.TextAsync()).Should().Contain("1 device accepted").And.Contain("Nobody waits");

        // Nothing moves before somebody has looked.
        server.WriteSource("etc/version", "one");
        var archive = server["tree.tar"];
        await TarFile.CreateFromDirectoryAsync(server.Source, archive, includeBaseDirectory: false);
        await browser.FollowAsync("nav a", "Publish");
        await browser.TypeAsync("form[action='/publish/upload'] input[name=branch]", "stable");
        await browser.TypeAsync("form[action='/publish/upload'] input[name=version]", "1.0");
        await browser.ChooseFileAsync("input[type=file]", archive);
        await browser.FollowAsync("button", "Upload and look");
        await browser.UntilAsync("document.body.innerText.includes('waits for you')");
        new Branches(server.Data, server.Time).Read(BranchName.Parse("stable")).Head.Should().BeNull();
        await browser.FollowAsync("button", "Publish to 1 device");
        (await browser.TextAsync()).Should().Contain("Published: stable is at #1; 1 device takes it");

        // The page follows what the device says.
        var head = new Branches(server.Data, server.Time).Read(BranchName.Parse("stable")).Head!.Commit;
        await browser.GoAsync($"{server.Url}/devices/{device.Id}");
        (await browser.TextAsync()).Should().Contain("has not polled yet");
        await device.PollAsync(new PollRequest(BranchName.Parse("stable"), "good", 1, 1, Running: head));
        if (!withScripts)
            await browser.GoAsync($"{server.Url}/devices/{device.Id}");
        await browser.UntilAsync("document.body.innerText.includes('runs what its branch is at')");

        // It fails at the next one and tells why.
        server.WriteSource("etc/version", "two");
        var bad = server.Publish().Commit;
        await device.PollAsync(new PollRequest(BranchName.Parse("stable"), "fallback", 1, 2, Running: head, Failed: bad));
        await device.SendAsync(Routes.BlackBoxes, new BlackBoxRequest("2-" + bad.ToString()[..8], "the last words: eth0 is down"), ProtocolJson.Default.BlackBoxRequest);
        await browser.GoAsync(server.Url + "/");
        (await browser.TextAsync()).Should().Contain("1 device fell back");
        await browser.FollowAsync("a.chip", "fell back from");
        await browser.FollowAsync("td.name a");
        (await browser.TextAsync()).Should().Contain("tried and failed there").And.NotContain("the last words");
        await browser.ClickAsync("#boxes ~ ul summary");
        await browser.UntilAsync("document.body.innerText.includes('the last words: eth0 is down')");

        // Back to the good one, asked about once, with the number of devices.
        await browser.GoAsync(server.Url + "/branches/stable");
        await browser.FollowAsync("button", "Revert to this");
        (await browser.TitleAsync()).Should().StartWith("Revert stable?");
        (await browser.TextAsync()).Should().Contain("1 device follows it");
        await browser.FollowAsync("button", "Take 1 device back");
        (await browser.TextAsync()).Should().Contain("stable is at #3");

        await browser.FollowAsync("button", "Log out");
        (await browser.TitleAsync()).Should().StartWith("Log in");
        browser.Complaints.Should().BeEmpty();
    }

    [BrowserFact]
    public async Task Every_link_field_and_button_is_reached_and_used_with_the_keyboard_alone()
    {
        await using var server = await TestServer.StartAsync();
        using var device = new TestDevice(server);
        await device.EnrolAsync();
        new ContentTree.Server.Dashboard.Login.Users(server.Data.OpenDatabase(), server.Time).Add("ada", TokenRole.Operator, PageClient.Password);
        await using var browser = await Chromium.StartAsync();
        await browser.GoAsync(server.Url + "/login");
        // The first field has the focus already.
        await browser.InsertAsync("ada");
        await browser.TabAsync();
        await browser.InsertAsync(PageClient.Password);
        await browser.EnterAsync();
        await browser.UntilAsync("document.title.startsWith('Overview')");

        // The first stop leads past the links to the content.
        await browser.TabAsync();
        (await browser.StringAsync("document.activeElement.className")).Should().Be("skip");
        await browser.EnterAsync();
        await browser.UntilAsync("document.activeElement.id === 'main'");

        await browser.GoAsync($"{server.Url}/devices/{device.Id}");
        await ReachAsync(browser, "e => e.textContent.trim() === 'Accept'");
        await browser.EnterAsync();
        await browser.UntilAsync("document.body.innerText.includes('Accepted: it gets its branch')");
        await ReachAsync(browser, "e => e.tagName === 'SUMMARY' && e.textContent.includes('Hold')");
        (await browser.StringAsync("getComputedStyle(document.activeElement).outlineStyle")).Should().Be("solid", "whoever has no mouse sees where he is");
        await browser.EnterAsync();
        await ReachAsync(browser, "e => e.name === 'reason' && e.closest('details').innerText.includes('no updates')");
        await browser.InsertAsync("by keyboard");
        await ReachAsync(browser, "e => e.textContent === 'Hold 1 device'");
        await browser.EnterAsync();
        await browser.UntilAsync("document.body.innerText.includes('Held: it hears of it')");
        server.Devices().Find(device.Id).Assignment!.Reason.Should().Be("by keyboard");

        await ServerCommand.DoAsync("--data", server.DataPath, "group", "set", "lab");
        await ServerCommand.DoAsync("--data", server.DataPath, "group", "add", "lab", $"{device.Id}");
        // All pages: everything that can be clicked is in the order of the keyboard, and has a name; one heading, one main, marked lists of links.
        foreach (var path in new[] { "/", "/devices", "/approvals", "/branches", "/groups", "/groups/lab", "/configuration", "/rollouts", "/rollouts/start", "/storage", "/audit", "/account", $"/devices/{device.Id}" })
        {
            await browser.GoAsync(server.Url + path);
            (await browser.NumberAsync("document.querySelectorAll('h1').length")).Should().Be(1, path);
            (await browser.NumberAsync("document.querySelectorAll('main').length + document.querySelectorAll('header nav[aria-label]').length")).Should().Be(2, path);
            (await browser.NumberAsync("[...document.querySelectorAll('a, button, input:not([type=hidden]), select, summary')].filter(e => e.tabIndex < 0).length")).Should().Be(0, path);
            (await browser.StringAsync("[...document.querySelectorAll('input:not([type=hidden]), select')].filter(e => !e.labels.length && !e.ariaLabel).map(e => e.outerHTML).join()")).Should().BeEmpty(path);
            (await browser.StringAsync("[...document.querySelectorAll('a, button')].filter(e => !e.hidden && !(e.textContent.trim() || e.ariaLabel)).map(e => e.outerHTML).join()")).Should().BeEmpty(path);
        }
        browser.Complaints.Should().BeEmpty();
    }

    private static async Task ReachAsync(Chromium browser, string isIt)
    {
        for (var stop = 0; stop < 120; stop++)
        {
            await browser.TabAsync();
            if ((await browser.EvaluateAsync($"!!({isIt})(document.activeElement)"))!.GetValue<bool>())
                return;
        }
        throw new InvalidOperationException($"no key leads to {isIt}: {await browser.TextAsync()}");
    }
}
