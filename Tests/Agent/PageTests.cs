using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using ContentTree.Deploy;
using ContentTree.Deploy.Pages;
using ContentTree.Store.Objects;
using ContentTree.Tests.Server;
using ContentTree.Tests.Support;
using TestDevice = ContentTree.Tests.Deploy.TestDevice;
using TestServer = ContentTree.Tests.Deploy.TestServer;

namespace ContentTree.Tests.Agent;

/// <summary>The page of a device that reaches nobody: what its owner can do there, and what nobody else can.</summary>
public sealed class PageTests : IAsyncLifetime, IDisposable
{
    private readonly TemporaryDirectory _temporary = new();
    private TestServer _server = null!;
    private TestDevice _device = null!;
    private ObjectId _old;
    private ObjectId _new;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _old = _server.Publish("seq 1 50000 > large; printf one > small", version: "1.0");
        _device = await TestDevice.EnrolledAsync(_server);
        await _device.TakeAsync();
        _server.Link.Spoil = (_, answer) => answer.CutAfter = -1;
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public async Task A_bundle_is_uploaded_planned_and_installed_and_the_boot_file_names_it()
    {
        var bundle = await BundleAsync("<b>1.1</b>");
        var before = _device.Boot.Read()!.Wanted;
        await using var page = await TestPage.StartAsync(_device);
        (await page.GetAsync()).Should().Contain(_device.Boot.Read()!.Wanted.ToString()).And.Contain("version <bdi>1.0</bdi>");

        (await page.UploadAsync(bundle)).Status.Should().Be(HttpStatusCode.OK);
        var planned = await page.ShowsAsync("The bundle is signed for this device");
        planned.Should().Contain(_new.ToString()).And.Contain("&lt;b&gt;1.1&lt;/b&gt;", "a version is a text").And.NotContain("<b>1.1");
        _device.Boot.Read()!.Wanted.Should().Be(before, "nothing is installed yet");

        (await page.PressAsync("/install", fields: ("commit", new string('0', 64)))).Status.Should().Be(HttpStatusCode.Conflict, "nobody was shown that");
        (await page.PressAsync("/install", fields: ("commit", Regex.Match(await page.GetAsync(), "name=\"commit\" value=\"([0-9a-f]{64})\"").Groups[1].Value))).Status.Should().Be(HttpStatusCode.OK);
        var done = await page.ShowsAsync("is installed as 2-");
        done.Should().Contain("Restart…").And.Contain("Roll back…");
        _device.Boot.Read()!.Wanted.Should().NotBe(before);
        (await _device.JsonAsync("status"))["deployments"]!.AsArray().Select(d => (string)d!["commit"]!).Should().Contain(_new.ToString());
        NothingIsLeft();
    }

    [Fact]
    public async Task A_trial_is_confirmed_and_a_deployment_rolled_back_after_one_question()
    {
        var bundle = await BundleAsync();
        (await _device.RunAsync("bundle", "install", bundle.Path)).Code.Should().Be(0);
        _device.BootNow();
        _device.Configure("[health]\nconfirm = manual\n");
        await using var page = await TestPage.StartAsync(_device);
        (await page.GetAsync()).Should().Contain("on trial");
        (await page.PressAsync("/confirm")).Page.Should().Contain("is confirmed: it is good");
        var record = _device.Boot.Read()!;
        (await page.GetAsync("/rollback")).Should().Contain("Roll back?").And.Contain($"{record.Previous}");
        _device.Boot.Read()!.Wanted.Should().Be(record.Wanted, "it was only asked");
        (await page.PressAsync("/rollback", on: "/rollback")).Page.Should().Contain($"left {record.Wanted}");
        _device.Boot.Read()!.Wanted.Should().Be(record.Previous!.Value);
        (await page.GetAsync("/restart")).Should().Contain("Restart?");
        await page.PressAsync("/restart", on: "/restart");
        await page.ShowsAsync("was given with --root");
    }

    [Fact]
    public async Task What_other_keys_signed_is_refused_in_a_sentence_and_nothing_is_changed()
    {
        await using var other = await TestServer.StartAsync();
        other.Publish("printf evil > small");
        await ServerCommand.DoAsync("--data", other.Data.Path, "bundle", "--to", "main", _temporary["evil.ctb"]);
        await using var page = await TestPage.StartAsync(_device);
        var before = _device.Boot.Read();
        await page.UploadAsync(await File.ReadAllBytesAsync(_temporary["evil.ctb"]));
        TestPage.Plain(await page.ShowsAsync("signed by 0 keys of the release role")).Should().NotContain("Install");
        _device.Boot.Read().Should().Be(before);
        (await page.PressAsync("/install")).Status.Should().Be(HttpStatusCode.Conflict);
        NothingIsLeft();
    }

    [Fact]
    public async Task What_is_no_bundle_is_called_one()
    {
        await using var page = await TestPage.StartAsync(_device);
        await page.UploadAsync(Encoding.ASCII.GetBytes("<script>alert(1)</script>"));
        await page.ShowsAsync("the bundle is cut off or damaged, or no bundle");
        NothingIsLeft();
    }

    [Fact]
    public async Task An_upload_that_is_cut_in_the_middle_leaves_nothing()
    {
        await using var page = await TestPage.StartAsync(_device);
        var browser = await LogAsync(page);
        var other = TestPage.Token(await page.GetAsync());
        using (var socket = new Socket(SocketType.Stream, ProtocolType.Tcp))
        {
            await socket.ConnectAsync(page.Address.Host, page.Address.Port);
            await socket.SendAsync(Encoding.ASCII.GetBytes(Head(page, browser.Cookie, 5_000_000)));
            await socket.SendAsync(Encoding.ASCII.GetBytes(Fields(browser.Token)));
            await socket.SendAsync(new byte[300_000]);
            await page.ShowsAsync("The bundle is coming in");
            (await page.UploadAsync([1, 2, 3], other)).Status.Should().Be(HttpStatusCode.Conflict, "one at a time");
        }
        await page.ShowsAsync("Upload");
        NothingIsLeft();
    }

    [Fact]
    public async Task What_is_too_large_or_does_not_fit_is_refused_before_its_first_byte()
    {
        await using var page = await TestPage.StartAsync(_device, "max-upload = 1M");
        var browser = await LogAsync(page);
        (await page.SayAsync(Head(page, browser.Cookie, (1 << 20) + 1))).Should().StartWith("HTTP/1.1 413 ").And.Contain("page.max-upload");
        _device.Configure("[page]\nmax-upload = 1000T\n");
        (await page.SayAsync(Head(page, browser.Cookie, 1L << 46))).Should().StartWith("HTTP/1.1 507 ").And.Contain("free");
        (await page.SayAsync(Head(page, browser.Cookie, 10).Replace("Content-Length: 10\r\n", ""))).Should().StartWith("HTTP/1.1 411 ");
        NothingIsLeft();
    }

    [Fact]
    public async Task A_form_without_the_pages_token_does_nothing()
    {
        await using var page = await TestPage.StartAsync(_device);
        await page.GetAsync();
        foreach (var action in new[] { "/install", "/discard", "/confirm", "/rollback", "/restart", "/logout" })
            (await page.SendAsync(new HttpRequestMessage(HttpMethod.Post, action) { Content = new FormUrlEncodedContent([]) })).Status.Should().Be(HttpStatusCode.Forbidden, action);
        (await page.UploadAsync([1], token: new string('0', 64))).Status.Should().Be(HttpStatusCode.Forbidden);
        var foreign = new HttpRequestMessage(HttpMethod.Post, "/discard") { Content = new FormUrlEncodedContent([new("token", TestPage.Token(await page.GetAsync()))]) };
        foreign.Headers.Add("Origin", "http://evil.example");
        (await page.SendAsync(foreign)).Status.Should().Be(HttpStatusCode.Forbidden, "with the token too, from another site's page");
        using var stranger = page.Browser();
        using var stolen = new FormUrlEncodedContent([new("token", TestPage.Token(await page.GetAsync()))]);
        (await stranger.PostAsync("/discard", stolen)).StatusCode.Should().Be(HttpStatusCode.Forbidden, "a token is one browser's");
        NothingIsLeft();
    }

    [Theory]
    [InlineData("evil.example")]
    [InlineData("127.0.0.1:1")]
    [InlineData("")]
    [InlineData("127.0.0.1.evil.example:PORT")]
    public async Task A_name_that_is_not_the_devices_is_refused(string host)
    {
        await using var page = await TestPage.StartAsync(_device, "hosts = device.lan\nwithout-password = true");
        (await page.SayAsync($"GET / HTTP/1.1\r\nHost: {host.Replace("PORT", $"{page.Address.Port}")}\r\n\r\n")).Should().StartWith("HTTP/1.1 421 ").And.NotContain("<html");
        foreach (var own in new[] { page.Address.Authority, $"localhost:{page.Address.Port}", $"device.lan:{page.Address.Port}" })
            (await page.SayAsync($"GET / HTTP/1.1\r\nHost: {own}\r\n\r\n")).Should().StartWith("HTTP/1.1 200 ", own);
    }

    [Fact]
    public async Task With_a_password_nothing_is_shown_or_done_without_it_and_guessing_waits()
    {
        File.WriteAllLines(_temporary["password"], ["only 4 me"]);
        (await _device.RunAsync("page", "password", _temporary["password"])).Code.Should().Be(0);
        Shell.Run($"stat -c %a '{_device.Layout.State}/page-password'").Trim().Should().Be("600");
        File.ReadAllText(Path.Combine(_device.Layout.State, "page-password")).Should().NotContain("only 4 me");
        await using var page = await TestPage.StartAsync(_device);
        (await page.GetAsync()).Should().Contain("Password of this device").And.NotContain(_device.Boot.Read()!.Wanted.ToString());
        (await page.PressAsync("/rollback", on: "/login")).Page.Should().Contain("Password of this device", "no form of it counts");
        (await page.UploadAsync([1])).Status.Should().Be(HttpStatusCode.Forbidden);

        (await page.PressAsync("/login", "/login", ("password", "wrong"))).Status.Should().Be(HttpStatusCode.Forbidden);
        (await page.PressAsync("/login", "/login", ("password", "only 4 me"))).Status.Should().Be(HttpStatusCode.TooManyRequests, "the right one waits too");
        await Eventually.TrueAsync(async () => (await page.PressAsync("/login", "/login", ("password", "only 4 me"))).Page.Contains("Log out", StringComparison.Ordinal));
        (await page.GetAsync()).Should().Contain(_device.Boot.Read()!.Wanted.ToString());

        (await page.PressAsync("/logout")).Page.Should().Contain("Password of this device");
        await page.PressAsync("/login", "/login", ("password", "only 4 me"));
        (await page.GetAsync()).Should().Contain("Log out");
        (await _device.RunAsync("page", "password", _temporary["password"])).Code.Should().Be(0);
        (await page.GetAsync()).Should().Contain("Password of this device", "a new password ends every session");
    }

    [Fact]
    public async Task Where_others_reach_it_it_is_not_shown_without_a_password_unless_told()
    {
        var port = TestPage.FreePort();
        _device.Configure($"[page]\nlisten = 0.0.0.0:{port}\n");
        await using var agent = new TestAgent(_device);
        await Eventually.TrueAsync(() => Task.FromResult(agent.Said.Any(line => line.Contains("has no password", StringComparison.Ordinal))));
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.Invoking(s => s.ConnectAsync("127.0.0.1", port)).Should().ThrowAsync<SocketException>();
    }

    [Fact]
    public async Task While_the_device_is_at_work_an_upload_waits_for_it_and_may_be_taken_back()
    {
        var bundle = await BundleAsync();
        await using var page = await TestPage.StartAsync(_device);
        using (await HoldAsync())
        {
            await page.UploadAsync(bundle);
            TestPage.Plain(await page.ShowsAsync("the device is at work")).Should().Contain("in use by process").And.Contain("Discard").And.NotContain("Upload");
            (await page.PressAsync("/discard")).Page.Should().Contain("Upload");
            NothingIsLeft();
            await page.UploadAsync(bundle);
            await page.ShowsAsync("the device is at work");
        }
        await page.ShowsAsync("The bundle is signed for this device");
    }

    [Fact]
    public async Task A_restart_waits_until_the_device_is_not_at_work()
    {
        (await _device.RunAsync("bundle", "install", (await BundleAsync()).Path)).Code.Should().Be(0);
        await using var page = await TestPage.StartAsync(_device);
        using (await HoldAsync())
        {
            await page.PressAsync("/restart", on: "/restart");
            await Task.Delay(TimeSpan.FromSeconds(2));
            TestPage.Plain(await page.GetAsync()).Should().NotContain("was given with --root");
        }
        await page.ShowsAsync("was given with --root");
    }

    [Fact]
    public async Task A_bundle_that_nobody_installs_is_gone_after_an_hour()
    {
        var bundle = await BundleAsync();
        await using var page = await TestPage.StartAsync(_device, clock: new HurriedTime(PageDesk.Shelf));
        await page.UploadAsync(bundle);
        TestPage.Plain(await page.ShowsAsync("nobody has installed it for an hour")).Should().Contain("Upload").And.NotContain("Discard");
        NothingIsLeft();
    }

    [Fact]
    public async Task Logging_out_ends_every_session_of_the_device()
    {
        File.WriteAllLines(_temporary["password"], ["only 4 me"]);
        (await _device.RunAsync("page", "password", _temporary["password"])).Code.Should().Be(0);
        await using var page = await TestPage.StartAsync(_device);
        await page.PressAsync("/login", "/login", ("password", "only 4 me"));
        using var other = page.Browser();
        using var form = new FormUrlEncodedContent([new("token", TestPage.Token(await other.GetStringAsync("/login"))), new("password", "only 4 me")]);
        using var entered = await other.PostAsync("/login", form);
        (await other.GetStringAsync("/")).Should().Contain("Log out");
        using var guest = page.Browser();
        using var nothing = new FormUrlEncodedContent([new("token", TestPage.Token(await guest.GetStringAsync("/login")))]);
        using var refused = await guest.PostAsync("/logout", nothing);
        (await other.GetStringAsync("/")).Should().Contain("Log out", "who is not in ends nobody's session");

        await page.PressAsync("/logout");
        (await other.GetStringAsync("/")).Should().Contain("Password of this device");
    }

    [Fact]
    public async Task It_is_off_unless_told_otherwise()
    {
        await using var agent = new TestAgent(_device);
        await agent.HearsAsync("READY=1");
        await agent.StopAsync();
        agent.Said.Should().NotContain(line => line.Contains("page", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Every_answer_says_what_it_may_load_and_is_not_kept()
    {
        await using var page = await TestPage.StartAsync(_device);
        using var browser = page.Browser();
        foreach (var path in new[] { "/", "/rollback", "/page.css", "/nothing" })
        {
            using var answer = await browser.GetAsync(path);
            answer.Headers.GetValues("Content-Security-Policy").Should().ContainSingle().Which.Should().StartWith("default-src 'none'; style-src 'self';").And.NotContain("unsafe");
            answer.Headers.CacheControl!.NoStore.Should().BeTrue();
            answer.Headers.GetValues("X-Frame-Options").Should().Equal("DENY");
        }
        (await page.GetAsync()).Should().NotContain("<script").And.NotContain("style=").And.NotContain("=\"http").And.NotContain("onclick");
        using var first = await page.Browser().GetAsync("/");
        first.Headers.GetValues("Set-Cookie").Single().Should().Contain("; HttpOnly; SameSite=Strict");
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", 400)]
    [InlineData("POST /upload HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", 400)]
    [InlineData("POST /install HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", 400)]
    [InlineData("nonsense\r\n\r\n", 400)]
    public async Task A_request_that_can_be_read_in_two_ways_is_refused(string request, int status)
    {
        await using var page = await TestPage.StartAsync(_device);
        (await page.SayAsync(request)).Should().StartWith($"HTTP/1.1 {status} ");
        (await page.SayAsync($"GET / HTTP/1.1\r\nX: {new string('a', 20_000)}\r\n\r\n")).Should().StartWith("HTTP/1.1 431 ");
        (await page.SayAsync($"DELETE / HTTP/1.1\r\nHost: {page.Address.Authority}\r\n\r\n")).Should().StartWith("HTTP/1.1 405 ");
    }

    [Fact]
    public void Markup_takes_every_text_as_a_text()
    {
        const string evil = "\"><img src=x onerror='alert(1)'>\u0007";
        Html.Of($"<a title=\"{evil}\">{Html.Of($"{evil}")}</a>").ToString().Should()
            .Be("<a title=\"&quot;&gt;&lt;img src=x onerror=&#39;alert(1)&#39;&gt; \">&quot;&gt;&lt;img src=x onerror=&#39;alert(1)&#39;&gt; </a>");
    }

    private Task<DeviceLock> HoldAsync() => DeviceLock.TakeAsync(new DeviceRoot(_device.Root, IsGiven: true), "update", wait: true, CancellationToken.None);

    private void NothingIsLeft() => Directory.Exists(Path.Combine(_device.Root, "ctree/store/upload")).Should().BeFalse();

    private async Task<BundleFile> BundleAsync(string version = "1.1")
    {
        _new = _server.Publish("seq 1 50001 > large; printf two > small", version: version);
        var path = _temporary["a.ctb"];
        await ServerCommand.DoAsync("--data", _server.Data.Path, "bundle", "--to", "main", path);
        return new BundleFile(path, await File.ReadAllBytesAsync(path));
    }

    private static async Task<(string Cookie, string Token)> LogAsync(TestPage page)
    {
        using var browser = page.Browser();
        using var answer = await browser.GetAsync("/");
        return (answer.Headers.GetValues("Set-Cookie").Single().Split(';')[0], TestPage.Token(await answer.Content.ReadAsStringAsync()));
    }

    private static string Head(TestPage page, string cookie, long length) =>
        $"POST /upload HTTP/1.1\r\nHost: {page.Address.Authority}\r\nCookie: {cookie}\r\nContent-Type: multipart/form-data; boundary=xyz\r\nContent-Length: {length}\r\n\r\n";

    private static string Fields(string token) =>
        $"--xyz\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\n{token}\r\n--xyz\r\nContent-Disposition: form-data; name=\"bundle\"; filename=\"a.ctb\"\r\n\r\n";

    private sealed record BundleFile(string Path, byte[] Bytes)
    {
        public static implicit operator byte[](BundleFile file) => file.Bytes;
    }
}
