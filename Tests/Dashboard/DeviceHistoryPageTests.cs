using System.Net;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Server;

namespace ContentTree.Tests.Dashboard;

/// <summary>What a device did and what it said before it failed, on its page.</summary>
public sealed class DeviceHistoryPageTests : IAsyncLifetime, IDisposable
{
    private TestServer _server = null!;
    private TestDevice _device = null!;
    private PageClient _client = null!;
    private ObjectId _commit;

    private string PagePath => $"/devices/{_device.Id}";

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.WriteSource("file", "one");
        _commit = _server.Publish().Commit;
        _device = new TestDevice(_server);
        await _device.EnrolAsync(_server.NewToken(TokenRole.Enrol));
        _client = await PageClient.LogInAsync(_server, TokenRole.Viewer);
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose()
    {
        _client.Dispose();
        _device.Dispose();
    }

    [Fact]
    public async Task Of_a_long_black_box_the_page_has_the_end_and_a_text_of_its_own_has_all()
    {
        var text = "the first line <b>\n" + string.Concat(Enumerable.Range(0, 9000).Select(i => $"line {i:0000} of the log\n")) + "the last words: eth0 is down\n";
        foreach (var deployment in new[] { "1-0123abcd", "2-0123abcd", "3-0123abcd" })
            (await SendAsync(deployment, text)).EnsureSuccessStatusCode();
        (await SendAsync("4-0123abcd", "short and whole")).EnsureSuccessStatusCode();

        var page = await _client.ReadAsync(PagePath);
        page.Should().Contain("the last words: eth0 is down").And.Contain("line 8999 of the log").And.NotContain("the first line").And.NotContain("line 0001 of the log").And.Contain("short and whole");
        page.Length.Should().BeLessThan(64_000);
        foreach (var deployment in new[] { "1-0123abcd", "2-0123abcd", "3-0123abcd" })
            page.Should().Contain($"href=\"{PagePath}/boxes/{deployment}\"");
        page.Should().NotContain("boxes/4-0123abcd", "all of it is there");

        var whole = await _client.GetAsync($"{PagePath}/boxes/1-0123abcd");
        whole.StatusCode.Should().Be(HttpStatusCode.OK);
        (await whole.Content.ReadAsStringAsync()).Should().Be(text);
        whole.Content.Headers.ContentType!.ToString().Should().Be("text/plain; charset=utf-8");
        whole.Headers.GetValues("X-Content-Type-Options").Should().Equal("nosniff");
        (await _client.GetAsync($"{PagePath}/boxes/9-0123abcd")).StatusCode.Should().Be(HttpStatusCode.NotFound);
        (await _client.GetAsync("/devices/0123456789abcdef/boxes/1-0123abcd")).StatusCode.Should().Be(HttpStatusCode.NotFound);
        using var nobody = new PageClient(_server);
        (await nobody.GetAsync($"{PagePath}/boxes/1-0123abcd")).Headers.Location!.ToString().Should().StartWith("/login");
    }

    [Fact]
    public async Task The_page_has_the_deployments_that_were_reported_and_the_boots_that_polled()
    {
        (await _client.ReadAsync(PagePath)).Should().Contain("It has reported no deployment yet.").And.NotContain("different boot");
        var (old, bad, time) = (ObjectId.Of("old"u8), ObjectId.Of("bad"u8), _server.Time.GetUtcNow());
        await _device.ReportAsync(
            new ReportEvent(1, time.AddDays(-3), EventKind.Updated, old, "1-aaaaaaaa"), new ReportEvent(2, time.AddDays(-3), EventKind.Confirmed, old, "1-aaaaaaaa"),
            new ReportEvent(3, time.AddDays(-2), EventKind.Updated, bad, "2-bbbbbbbb"), new ReportEvent(4, time.AddDays(-2), EventKind.FellBack, bad, "2-bbbbbbbb", 1, "no network"),
            new ReportEvent(5, time.AddDays(-1), EventKind.Updated, _commit, "3-cccccccc"), new ReportEvent(6, time.AddDays(-1), EventKind.Confirmed, _commit, "3-cccccccc"));
        foreach (var boot in new[] { "00000001", "00000002", "00000003" })
            await _device.PollAsync(new PollRequest(BranchName.Parse("stable"), "good", 1, 1, Running: _commit, BootId: boot, Kept: [$"{old}"[..16]]));

        var page = await _client.ReadAsync(PagePath);
        var rows = page[page.IndexOf("id=\"deployments\"", StringComparison.Ordinal)..page.IndexOf("id=\"configuration\"", StringComparison.Ordinal)];
        rows.Should().MatchRegex($"(?s)3-cccccccc.*>runs<.*{_commit}.*2-bbbbbbbb.*{bad}.*never.*2 days ago.*1-aaaaaaaa.*{old}");
        System.Text.RegularExpressions.Regex.Count(rows, ">runs<").Should().Be(1);
        rows.Should().Contain("Also deployed there").And.Contain($"{old}"[..12]).And.Contain("polled in 3 different boots");
    }

    private Task<HttpResponseMessage> SendAsync(string deployment, string text) => _device.SendAsync(Routes.BlackBoxes, new BlackBoxRequest(deployment, text), ProtocolJson.Default.BlackBoxRequest);
}
