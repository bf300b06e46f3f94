using ContentTree.Tests.Agent;
using ContentTree.Tests.Server;
using ContentTree.Tests.Support;
using TestDevice = ContentTree.Tests.Deploy.TestDevice;
using TestServer = ContentTree.Tests.Deploy.TestServer;

namespace ContentTree.Tests.Browser;

/// <summary>A device's own page on a small phone without scripts, from the password to the installed bundle; pictures go into .work/screenshots.</summary>
[Trait("Category", "Slow")]
public sealed class LocalPageTests
{
    private const int Width = 320;
    private const int Height = 640;
    private static readonly string[] Payloads = ["<img src=x onerror=alert(1)>", "</dd><script>alert(1)</script>"];

    [BrowserFact]
    public async Task A_bundle_is_installed_on_a_phone_without_scripts()
    {
        using var temporary = new TemporaryDirectory();
        await using var server = await TestServer.StartAsync();
        server.Publish("seq 1 50000 > large; printf one > small", version: "2026.10");
        using var device = await TestDevice.EnrolledAsync(server);
        await device.TakeAsync();
        device.Configure($"[device]\nname = north-mast {Payloads[0]}\n");
        server.Publish("seq 1 50001 > large; printf two > small", version: "2026.11 " + Payloads[1]);
        server.Link.Spoil = (_, answer) => answer.CutAfter = -1;
        await ServerCommand.DoAsync("--data", server.Data.Path, "bundle", "--to", "main", temporary["update.ctb"]);
        File.WriteAllLines(temporary["password"], ["0815-4711"]);
        (await device.RunAsync("page", "password", temporary["password"])).Code.Should().Be(0);

        await using var page = await TestPage.StartAsync(device);
        await using var browser = await Chromium.StartAsync();
        await browser.WithoutScriptsAsync();
        await browser.GoAsync(page.Address.ToString());
        await TakeAsync(browser, "login");
        await browser.TypeAsync("#password", "0815-4711");
        await browser.FollowAsync("main button");
        await TakeAsync(browser, "home");
        await browser.ChooseFileAsync("#file", temporary["update.ctb"]);
        await browser.FollowAsync("button", "Upload");
        await browser.UntilAsync("document.body.innerText.includes('The bundle is signed for this device')");
        await TakeAsync(browser, "plan");
        (await browser.TextAsync()).Should().Contain(Payloads[0]).And.Contain(Payloads[1], "it is there to be read, as it was written");
        await browser.FollowAsync("button", "Install");
        await browser.UntilAsync("document.body.innerText.includes('is installed as 2-')");
        await TakeAsync(browser, "installed");
        await browser.FollowAsync("a", "Roll back");
        await TakeAsync(browser, "rollback");
        await browser.FollowAsync("a", "Cancel");
        (await browser.NumberAsync("document.querySelectorAll('script, main img, main b b, [onerror]').length")).Should().Be(0);
        device.Boot.Read()!.Wanted.ToString().Should().StartWith("2-");
        browser.Dialogs.Should().Be(0);
        browser.Complaints.Should().BeEmpty("the content policy has nothing to refuse");
    }

    private static async Task TakeAsync(Chromium browser, string name)
    {
        var folder = ProjectFiles.PathOf(".work/screenshots");
        Directory.CreateDirectory(folder);
        foreach (var isDark in new[] { false, true })
        {
            await browser.LookAsync(Width, Height, isDark);
            (await browser.NumberAsync("document.documentElement.scrollWidth")).Should().BeLessThanOrEqualTo(Width, name);
            (await browser.NumberAsync("document.querySelectorAll('h1').length")).Should().Be(1, name);
            (await browser.NumberAsync("[...document.querySelectorAll('input:not([type=hidden])')].filter(i => !i.labels.length).length")).Should().Be(0, name);
            var whole = (int)await browser.NumberAsync("document.documentElement.scrollHeight");
            await File.WriteAllBytesAsync(Path.Combine(folder, $"local-{name}-{(isDark ? "dark" : "light")}.png"), await browser.PictureAsync(Width, Math.Max(Height, whole)));
        }
    }
}
