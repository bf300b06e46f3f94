using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ContentTree.Server.Storage;
using ContentTree.Server.Webhooks;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Tests.Server;

/// <summary>Webhooks: a real receiver is told what happens, signed, again until it takes it, and nothing inside the house is reached by them.</summary>
public sealed class WebhookTests : IAsyncLifetime, IDisposable
{
    private readonly ConcurrentQueue<(string Path, WebHeaderCollection Headers, string Body)> _received = new();
    private readonly HttpListener _listener = new();
    private string _url = "";
    private TestServer _server = null!;

    // Of the next answers.
    private volatile int _status = 200;

    // What is not taken, by what is in it.
    private volatile string _refused = "none";

    private string[] Remote => ["--server", _server.Url, "--token", _server.Admin];

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        Settings("webhooks.allow = 127.0.0.1, ::1\n");
        _url = $"http://127.0.0.1:{FreePort()}/";
        _listener.Prefixes.Add(_url);
        _listener.Start();
        _ = Task.Run(ListenAsync);
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose() => _listener.Close();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Who_asked_for_events_gets_them_signed_and_no_others(bool isRemote)
    {
        var secret = (await AddAsync(isRemote, "hook?x=1", "commit.published,device.*")).LastLine;
        using var device = new TestDevice(_server);
        await device.EnrolAsync();
        _server.WriteSource("file", "one");
        var published = _server.Publish();
        await ServerCommand.DoAsync("--data", _server.DataPath, "device", "accept", device.Id.ToString());
        await device.ReportAsync(new ReportEvent(1, _server.Time.GetUtcNow(), EventKind.FellBack, published.Commit, "2-00000000", 1, "health"), new ReportEvent(2, _server.Time.GetUtcNow(), "invented", null, null, 0, null));
        await device.ReportAsync(new ReportEvent(1, _server.Time.GetUtcNow(), EventKind.FellBack, published.Commit, "2-00000000", 1, "health"));
        await ServerCommand.DoAsync("--data", _server.DataPath, "token", "create", "--role", "viewer");

        await Eventually(() => _received.Count == 4);
        var events = _received.Select(r => JsonNode.Parse(r.Body)!).ToArray();
        events.Select(e => (string)e["event"]!).Should().Equal("device.pending", "commit.published", "device.accepted", "device.fell-back");
        ((string)events[1]["data"]!["commit"]!).Should().Be(published.Commit.ToString());
        ((string)events[3]["data"]!["device"]!, (string)events[3]["data"]!["message"]!).Should().Be((device.Id.ToString(), "health"));
        foreach (var (path, headers, body) in _received)
        {
            path.Should().Be("/hook?x=1");
            var signed = Encoding.UTF8.GetBytes($"{headers["X-CTree-Timestamp"]}.{body}");
            headers["X-CTree-Signature"].Should().Be("sha256=" + Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.ASCII.GetBytes(secret), signed)));
            headers["X-CTree-Event"].Should().Be((string)JsonNode.Parse(body)!["event"]!);
            headers["X-CTree-Delivery"].Should().Be(JsonNode.Parse(body)!["id"]!.ToJsonString());
        }
        await Task.Delay(200);
        _received.Should().HaveCount(4, "what was taken is not sent again");
        foreach (var verb in new[] { new[] { "list" }, ["list", "--json"], ["deliveries", Id()] })
            (await ServerCommand.DoAsync(["webhook", .. verb, .. isRemote ? Remote : ["--data", _server.DataPath]])).Out.Should().NotContain(secret).And.NotBeEmpty();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_stick_brings_is_told_once_also_when_the_device_has_said_part_of_it_itself(bool isRemote)
    {
        await AddAsync(isRemote, "", "device.*");
        using var device = new TestDevice(_server);
        await device.EnrolAsync(_server.NewToken(TokenRole.Enrol));
        ReportEvent[] events = [.. new[] { EventKind.Updated, EventKind.FellBack, "invented", EventKind.Confirmed }.Select((kind, i) => new ReportEvent(i + 1, _server.Time.GetUtcNow(), kind, null, null, 0, null))];
        await device.ReportAsync(events[0]);
        var report = JsonSerializer.SerializeToUtf8Bytes(new OfflineReport(device.Id, _server.Time.GetUtcNow(), new PollRequest(BranchName.Parse("stable"), "", 1, 0), events), ProtocolJson.Default.OfflineReport);
        await File.WriteAllBytesAsync(_server["stick"], JsonSerializer.SerializeToUtf8Bytes(new SignedReport(report, device.Key.Sign(report)), ProtocolJson.Default.SignedReport));
        foreach (var _ in new[] { "first", "again" })
            await ServerCommand.DoAsync(["device", "report", _server["stick"], .. isRemote ? Remote : ["--data", _server.DataPath]]);
        await device.ReportAsync(events);
        Deliveries().Select(d => d.Event).Reverse().Should().Equal("device.accepted", "device.updated", "device.fell-back", "device.confirmed");
        await Eventually(() => _received.Count == 4);
        _received.Where(r => r.Body.Contains("fell-back", StringComparison.Ordinal)).Should().ContainSingle().Which.Body.Should().Contain($"\"device\":\"{device.Id}\"");
    }

    [Fact]
    public async Task A_report_and_what_is_told_of_it_are_written_together_or_neither_is()
    {
        await AddAsync(true, "", "device.*");
        using var device = new TestDevice(_server);
        await device.EnrolAsync(_server.NewToken(TokenRole.Enrol));
        var report = new ReportEvent(1, _server.Time.GetUtcNow(), EventKind.FellBack, null, null, 1, "health");
        using (new RefusedWrites(_server.Data.OpenDatabase(), "deliveries"))
            (await device.ReportAsync(report)).IsSuccessStatusCode.Should().BeFalse("who is told that it was taken never says it again");
        new Events(_server.Data.OpenDatabase()).Newest(device.Id, 10).Should().BeEmpty();
        Deliveries().Should().NotContain(d => d.Event == "device.fell-back");
        (await device.ReportAsync(report)).StatusCode.Should().Be(HttpStatusCode.OK);
        Deliveries().Should().ContainSingle(d => d.Event == "device.fell-back");
    }

    [Fact]
    public async Task Reports_that_come_at_once_are_each_told_under_their_own_number()
    {
        await AddAsync(true, "", "device.fell-back");
        var devices = Enumerable.Range(0, 12).Select(_ => new TestDevice(_server)).ToArray();
        foreach (var device in devices)
            await device.EnrolAsync(_server.NewToken(TokenRole.Enrol));
        await Task.WhenAll(devices.Select(device => device.ReportAsync([.. Enumerable.Range(1, 8).Select(i => new ReportEvent(i, _server.Time.GetUtcNow(), EventKind.FellBack, null, null, 1, "health"))])));
        await Eventually(() => _received.Count == devices.Length * 8);
        _received.Select(r => (JsonNode.Parse(r.Body)!["id"]!.ToJsonString(), r.Headers["X-CTree-Delivery"]!)).Should().OnlyHaveUniqueItems().And.OnlyContain(d => d.Item1 == d.Item2);
        foreach (var device in devices)
        {
            _received.Select(r => JsonNode.Parse(r.Body)!["data"]!).Where(d => (string)d["device"]! == device.Id.ToString()).Select(d => (long)d["sequence"]!).Order().Should().Equal(1, 2, 3, 4, 5, 6, 7, 8);
            device.Dispose();
        }
    }

    [Fact]
    public async Task What_is_not_taken_is_sent_again_also_after_a_restart_and_given_up_after_a_day()
    {
        await AddAsync(true, "", "commit.published");
        _status = 500;
        _server.WriteSource("file", "one");
        _server.Publish();
        await Eventually(() => Deliveries() is [{ Attempts: 1, Error: "answered 500" }]);
        _server.WriteSource("file", "two");
        _server.Publish();
        await _server.RestartAsync();
        _status = 200;
        _server.Time.Ahead += TimeSpan.FromMinutes(1);
        await Eventually(() => Deliveries().All(d => d.State == "done"));
        _received.Select(r => (long)JsonNode.Parse(r.Body)!["data"]!["sequence"]!).Should().BeEquivalentTo([1, 1, 2]);

        _status = 302;
        _server.Publish("other");
        await Eventually(() => Deliveries()[0] is { Attempts: 1, Code: 302 });
        Deliveries()[0].Error.Should().Contain("redirects are not followed");
        _server.Time.Ahead += TimeSpan.FromHours(25);
        await Eventually(() => Deliveries()[0].State == "lost");
    }

    [Fact]
    public async Task One_event_that_is_never_taken_keeps_the_others_waiting_once()
    {
        await AddAsync(true, "", "commit.published");
        _refused = "\"sequence\":1";
        _server.WriteSource("file", "one");
        _server.Publish();
        await Eventually(() => Deliveries() is [{ Attempts: 1 }]);
        _server.WriteSource("file", "two");
        _server.Publish();
        _server.WriteSource("file", "three");
        _server.Publish();
        _server.Time.Ahead += TimeSpan.FromMinutes(1);
        await Eventually(() => Deliveries().Count(d => d.State == "done") == 2);
        Deliveries()[^1].State.Should().Be("waiting");
    }

    [Fact]
    public async Task A_try_says_at_once_how_it_went()
    {
        await AddAsync(true, "", "device.*");
        (await ServerCommand.DoAsync(["webhook", "test", Id(), .. Remote])).Out.Should().Be("delivered: 200\n");
        (await ServerCommand.DoAsync("--data", _server.DataPath, "webhook", "test", Id())).Out.Should().Be("delivered: 200\n");
        _received.Select(r => r.Headers["X-CTree-Event"]).Should().Equal("ping", "ping");
        _status = 404;
        var refused = await ServerCommand.RunAsync(["webhook", "test", Id(), .. Remote]);
        refused.Exit.Should().Be((int)ExitCode.Unreachable);
        refused.Error.Should().Contain("answered 404");
        await ServerCommand.DoAsync(["webhook", "remove", Id(), .. Remote]);
        (await ServerCommand.RunAsync(["webhook", "test", "00000000", .. Remote])).Exit.Should().Be((int)ExitCode.NotFound);
    }

    [Theory]
    [InlineData("http://127.0.0.1:PORT/")]
    [InlineData("http://localhost:PORT/")]
    [InlineData("http://[::1]:PORT/")]
    [InlineData("http://[::ffff:127.0.0.1]:PORT/")]
    [InlineData("http://2130706433:PORT/")]
    [InlineData("http://0177.0.0.1:PORT/")]
    [InlineData("http://169.254.169.254/latest/meta-data/")]
    [InlineData("http://10.0.0.1/")]
    public async Task Nothing_in_the_house_is_reached_unless_the_settings_say_so(string url)
    {
        Settings("");
        var port = new Uri(_url).Port.ToString(System.Globalization.CultureInfo.InvariantCulture);
        await ServerCommand.DoAsync("--data", _server.DataPath, "webhook", "add", url.Replace("PORT", port, StringComparison.Ordinal), "--event", "*");
        var refused = await ServerCommand.RunAsync(["webhook", "test", Id(), .. Remote]);
        refused.Exit.Should().Be((int)ExitCode.Unreachable);
        refused.Error.Should().Contain("webhooks.allow");
        _received.Should().BeEmpty();
    }

    [Theory]
    [InlineData("93.184.216.34", true)]
    [InlineData("2606:4700::1111", true)]
    [InlineData("172.31.255.255", false)]
    [InlineData("172.32.0.1", true)]
    [InlineData("192.168.1.1", false)]
    [InlineData("100.64.0.1", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("::", false)]
    [InlineData("fe80::1", false)]
    [InlineData("fd00::1", false)]
    [InlineData("ff02::1", false)]
    [InlineData("64:ff9b::7f00:1", false)]
    [InlineData("2002:7f00:1::", false)]
    [InlineData("2001:0:7f00:1::", false)]
    [InlineData("::ffff:10.0.0.1", false)]
    public void An_address_is_anybodys_or_not(string address, bool isPublic) => PublicAddresses.Contains(IPAddress.Parse(address)).Should().Be(isPublic);

    [Theory]
    [InlineData("ftp://host/x", "*", "address")]
    [InlineData("https://name:password@host/x", "*", "address")]
    [InlineData("/relative", "*", "address")]
    [InlineData("https://host/x", "device.invented", "no event")]
    [InlineData("https://host/x", "ping", "no event")]
    [InlineData("https://host/x", ",", "missing")]
    public async Task What_makes_no_sense_is_refused(string url, string events, string reason)
    {
        var refused = await ServerCommand.RunAsync(["webhook", "add", url, "--event", events, .. Remote]);
        refused.Exit.Should().Be(1);
        refused.Error.Should().Contain(reason);
    }

    [Fact]
    public async Task A_receiver_that_stands_still_keeps_no_other_waiting()
    {
        using var silent = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await ServerCommand.DoAsync("--data", _server.DataPath, "webhook", "add", $"http://{silent.LocalEndpoint}/", "--event", "commit.published");
        await AddAsync(true, "", "commit.published");
        _server.WriteSource("file", "one");
        _server.Publish();
        await Eventually(() => _received.Count == 1);
    }

    [Fact]
    public async Task The_audit_log_can_leave_the_house_as_it_grows()
    {
        await AddAsync(true, "", "audit.*");
        await ServerCommand.DoAsync(["branch", "create", "next", .. Remote]);
        await Eventually(() => _received.Count == 2);
        _received.Select(r => (string)JsonNode.Parse(r.Body)!["data"]!["verb"]!).Should().Equal("webhook.add", "branch.create");
        ((string)JsonNode.Parse(_received.Last().Body)!["data"]!["hash"]!).Should().Be(new ContentTree.Server.Auditing.Audit(_server.Data, _server.Time).Head()!.Hash);
    }

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task Eventually(Func<bool> isTrue)
    {
        for (var i = 0; i < 600 && !isTrue(); i++)
            await Task.Delay(50);
        isTrue().Should().BeTrue();
    }

    private void Settings(string text) => _server.WriteSettings(text);

    private string Id() => new Outbox(_server.Data.OpenDatabase(), _server.Time).List()[^1].Id;

    private IReadOnlyList<DeliveryInfo> Deliveries() => new Outbox(_server.Data.OpenDatabase(), _server.Time).Deliveries(Id(), 10);

    private Task<ServerCommand> AddAsync(bool isRemote, string path, string events) =>
        ServerCommand.DoAsync(["webhook", "add", _url + path, "--event", events, .. isRemote ? Remote : ["--data", _server.DataPath]]);

    private async Task ListenAsync()
    {
        while (_listener.IsListening)
        {
            try
            {
                var context = await _listener.GetContextAsync();
                using var reader = new StreamReader(context.Request.InputStream, Encoding.UTF8);
                var body = await reader.ReadToEndAsync();
                _received.Enqueue((context.Request.RawUrl!, (WebHeaderCollection)context.Request.Headers, body));
                context.Response.StatusCode = body.Contains(_refused, StringComparison.Ordinal) ? 400 : _status;
                if (_status == 302)
                    context.Response.RedirectLocation = _url + "elsewhere";
                context.Response.Close();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
        }
    }
}
