using ContentTree.Server.Dashboard.Login;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Dashboard;
using ContentTree.Tests.Server;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Browser;

/// <summary>A page that stays open all day, behind a proxy: it says when it no longer follows, goes on by itself, and leaves alone what somebody types.</summary>
[Trait("Category", "Slow")]
public sealed class LivePageTests : IAsyncLifetime, IDisposable
{
    private const string Note = "document.querySelector('.live-note').textContent";
    private const string HoldReason = "details:has(input[value=hold]) input[name=reason]";

    private TestServer _server = null!;
    private FrontProxy _proxy = null!;
    private TestDevice _device = null!;
    private PageClient _client = null!;
    private Chromium? _browser;
    private ObjectId _commit;

    private string PageUrl => $"{_proxy.Url}/devices/{_device.Id}";

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.WriteSource("file", "one");
        _commit = _server.Publish().Commit;
        _proxy = new FrontProxy(_server.Url);
        _device = new TestDevice(_server);
        await _device.EnrolAsync(_server.NewToken(TokenRole.Enrol));
        _client = await PageClient.LogInAsync(_server, TokenRole.Operator);
    }

    public async Task DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        await _server.DisposeAsync();
    }

    public void Dispose()
    {
        _client.Dispose();
        _device.Dispose();
        _proxy.Dispose();
    }

    [BrowserFact]
    public async Task A_page_says_that_the_server_does_not_answer_and_follows_again_when_it_does()
    {
        var browser = await OpenAsync();

        _proxy.IsAway = true;
        await browser.UntilAsync($"{Note}.includes('The server does not answer')");
        (await browser.StringAsync("document.querySelector('.live-note').getAttribute('role')")).Should().Be("status");
        await Eventually.TrueAsync(() => _proxy.Refused >= 2);
        await RunsAsync();
        (await browser.TextAsync()).Should().Contain("has not polled yet");

        _proxy.IsAway = false;
        await browser.UntilAsync("document.body.innerText.includes('runs what its branch is at')");
        await browser.UntilAsync($"{Note} === ''");
        await Eventually.TrueAsync(() => _proxy.Streams == 1);

        // And it follows: what comes now is shown too.
        await _device.PollAsync(new PollRequest(BranchName.Parse("stable"), "fallback", 1, 1, Running: _commit));
        await browser.UntilAsync("document.body.innerText.includes('fallback')");
        browser.Complaints.Should().OnlyContain(c => c.Contains("502", StringComparison.Ordinal) || c.Contains("net::ERR_", StringComparison.Ordinal), "the browser itself notes that the server was away");
    }

    [BrowserFact]
    public async Task What_somebody_types_stays_while_the_page_round_it_goes_on()
    {
        var browser = await OpenAsync();
        await browser.ClickAsync("summary", "Hold");
        await browser.TypeAsync(HoldReason, "the fair goes on ");
        await browser.ClickAsync("summary", "Reject");

        await RunsAsync();
        await browser.UntilAsync("document.body.innerText.includes('runs what its branch is at')");
        (await browser.StringAsync($"document.querySelector('{HoldReason}').value")).Should().Be("the fair goes on ");
        (await browser.NumberAsync("document.querySelectorAll('details.ask[open]').length")).Should().Be(2, "what was opened stays open");

        // Also while the hand is in it: what is typed next goes where the rest is.
        await browser.EvaluateAsync($"document.querySelector('{HoldReason}').focus()");
        await _device.PollAsync(new PollRequest(BranchName.Parse("stable"), "fallback", 1, 1, Running: _commit));
        await browser.UntilAsync("document.body.innerText.includes('fallback')");
        await browser.InsertAsync("until Sunday");
        await browser.FollowAsync("button", "Hold 1 device");
        _server.Devices().Find(_device.Id).Assignment!.Reason.Should().Be("the fair goes on until Sunday");
        browser.Complaints.Should().BeEmpty();
    }

    [BrowserFact]
    public async Task A_page_whose_login_has_ended_says_so_and_leads_there()
    {
        var browser = await OpenAsync();
        new Sessions(_server.Data.OpenDatabase(), _server.Time).EndAll("ada");
        await browser.UntilAsync($"{Note}.includes('Your login has ended')");
        await browser.FollowAsync(".live-note a", "Log in");
        (await browser.TitleAsync()).Should().StartWith("Log in");
        (await browser.StringAsync("location.search")).Should().Contain(_device.Id.ToString());
        browser.Complaints.Should().BeEmpty();
    }

    [BrowserFact]
    public async Task A_hidden_page_asks_for_nothing_and_is_up_to_date_when_it_is_looked_at()
    {
        var browser = await OpenAsync();
        await ShowAsync(isHidden: true);
        await Eventually.TrueAsync(() => _proxy.Streams == 0);
        await RunsAsync();

        await ShowAsync(isHidden: false);
        await browser.UntilAsync("document.body.innerText.includes('runs what its branch is at')");
        await Eventually.TrueAsync(() => _proxy.Streams == 1);
        browser.Complaints.Should().BeEmpty();
    }

    private async Task<Chromium> OpenAsync()
    {
        _browser = await Chromium.StartAsync();
        await _browser.SendAsync("Network.setCookie", new() { ["name"] = "ctree-session", ["value"] = _client.Cookie("ctree-session"), ["url"] = _proxy.Url });
        await _browser.GoAsync(PageUrl);
        await Eventually.TrueAsync(() => _proxy.Streams == 1);
        return _browser;
    }

    // A window without a screen is always in front.
    private Task ShowAsync(bool isHidden) => _browser!.EvaluateAsync(
        $"Object.defineProperty(document, 'hidden', {{ value: {(isHidden ? "true" : "false")}, configurable: true }}); document.dispatchEvent(new Event('visibilitychange'))");

    private async Task RunsAsync() => (await _device.PollAsync(new PollRequest(BranchName.Parse("stable"), "good", 1, 1, Running: _commit))).EnsureSuccessStatusCode();
}
