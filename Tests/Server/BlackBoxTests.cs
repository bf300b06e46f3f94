using System.Net;
using System.Text;
using System.Text.Json;
using ContentTree.Server.Fleet;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Tests.Server;

/// <summary>Black boxes: sent by devices, kept within bounds, read by people.</summary>
public sealed class BlackBoxTests : IAsyncLifetime
{
    private TestServer _server = null!;
    private TestDevice _device = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _device = await EnrolledAsync();
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_box_is_shown_here_and_over_HTTP_without_anything_that_steers_a_terminal()
    {
        (await SendAsync("1-0123abcd", "first\n")).StatusCode.Should().Be(HttpStatusCode.OK);
        _server.Time.Ahead = TimeSpan.FromMinutes(1);
        (await SendAsync("2-0123abcd", "camera \u001b[31mgone\u202e\n\tsecond line\n")).StatusCode.Should().Be(HttpStatusCode.OK);

        string[] remote = ["--server", _server.Url, "--token", _server.Admin];
        foreach (var where in new[] { remote, ["--data", _server.DataPath] })
        {
            (await ServerCommand.DoAsync(["device", "blackbox", _device.Id.ToString(), .. where])).Out.Should().Be("camera  [31mgone \n\tsecond line\n");
            (await ServerCommand.DoAsync(["device", "blackbox", _device.Id.ToString(), "1-0123abcd", .. where])).Out.Should().Be("first\n");
            (await ServerCommand.DoAsync(["device", "blackbox", _device.Id.ToString(), "--list", .. where])).Out.Should().MatchRegex("(?s)2-0123abcd.*1-0123abcd");
            (await ServerCommand.RunAsync(["device", "blackbox", _device.Id.ToString(), "3-0123abcd", .. where])).Exit.Should().Be((int)ExitCode.NotFound);
        }
    }

    [Fact]
    public async Task A_box_tells_the_commit_that_failed_where_its_device_knew_it()
    {
        var failed = ObjectId.Of("bad"u8);
        await SendAsync("1-0123abcd", "from an older device\n");
        (await _device.SendAsync(Routes.BlackBoxes, new BlackBoxRequest("2-0123abcd", "x", failed), ProtocolJson.Default.BlackBoxRequest)).StatusCode.Should().Be(HttpStatusCode.OK);

        string[] remote = ["--server", _server.Url, "--token", _server.Admin];
        foreach (var where in new[] { remote, ["--data", _server.DataPath] })
        {
            var list = (await ServerCommand.DoAsync(["device", "blackbox", _device.Id.ToString(), "--list", .. where])).Out.Split('\n');
            list.Where(line => line.Contains(failed.ToString(), StringComparison.Ordinal)).Should().ContainSingle().Which.Should().StartWith("2-0123abcd");
            (await ServerCommand.DoAsync(["device", "blackbox", _device.Id.ToString(), "2-0123abcd", "--json", .. where])).Out.Should().Contain($"\"commit\": \"{failed}\"");
            (await ServerCommand.DoAsync(["device", "blackbox", _device.Id.ToString(), "1-0123abcd", "--json", .. where])).Out.Should().NotContain("\"commit\"");
        }
    }

    [Fact]
    public async Task Sent_again_a_box_is_replaced_and_only_the_newest_are_kept()
    {
        for (var number = 1; number <= BlackBoxes.Kept + 2; number++)
        {
            _server.Time.Ahead = TimeSpan.FromMinutes(number);
            (await SendAsync($"{number}-0123abcd", "once")).StatusCode.Should().Be(HttpStatusCode.OK);
            (await SendAsync($"{number}-0123abcd", "twice")).StatusCode.Should().Be(HttpStatusCode.OK);
        }
        var boxes = new BlackBoxes(_server.Data.OpenDatabase(), _server.Time);
        boxes.List(_device.Id).Select(b => b.Deployment).Should().HaveCount(BlackBoxes.Kept).And.StartWith($"{BlackBoxes.Kept + 2}-0123abcd").And.EndWith("3-0123abcd");
        boxes.Read(_device.Id, "3-0123abcd").Text.Should().Be("twice");
    }

    [Theory]
    [InlineData("", HttpStatusCode.BadRequest)]
    [InlineData("../7", HttpStatusCode.BadRequest)]
    [InlineData("7 8", HttpStatusCode.BadRequest)]
    public async Task A_name_that_is_no_deployments_is_refused(string name, HttpStatusCode status) =>
        (await SendAsync(name, "text")).StatusCode.Should().Be(status);

    [Fact]
    public async Task Only_accepted_devices_may_send_and_not_too_much()
    {
        (await SendAsync("1-0123abcd", new string('x', BlackBoxRequest.MaxText + 1))).StatusCode.Should().Be(HttpStatusCode.RequestEntityTooLarge);
        (await SendAsync("1-0123abcd", new string('x', BodyLimits.BlackBox))).StatusCode.Should().Be(HttpStatusCode.RequestEntityTooLarge);
        using var stranger = new TestDevice(_server);
        await stranger.EnrolAsync();
        (await stranger.SendAsync(Routes.BlackBoxes, new BlackBoxRequest("1-0123abcd", "x"), ProtocolJson.Default.BlackBoxRequest)).StatusCode.Should().Be(HttpStatusCode.Forbidden);
        new BlackBoxes(_server.Data.OpenDatabase(), _server.Time).List(_device.Id).Should().BeEmpty();
    }

    [Fact]
    public async Task A_device_that_is_removed_takes_its_boxes_with_it()
    {
        await SendAsync("1-0123abcd", "text");
        _server.Devices().Remove(_device.Id);
        new BlackBoxes(_server.Data.OpenDatabase(), _server.Time).List(_device.Id).Should().BeEmpty();
    }

    [Fact]
    public async Task A_stick_that_is_read_late_replaces_no_newer_box()
    {
        var now = _server.Time.GetUtcNow();
        await SendAsync("1-0123abcd", "newer");
        Take(now.AddDays(-3), new BlackBoxRequest("1-0123abcd", "older"), new BlackBoxRequest("2-0123abcd", "only here"));
        var boxes = new BlackBoxes(_server.Data.OpenDatabase(), _server.Time);
        boxes.Read(_device.Id, "1-0123abcd").Text.Should().Be("newer");
        boxes.List(_device.Id).Select(b => b.Deployment).Should().Equal("1-0123abcd", "2-0123abcd");
        boxes.Read(_device.Id, "2-0123abcd").Time.Should().BeBefore(now.AddDays(-2));

        Take(now.AddYears(5), new BlackBoxRequest("1-0123abcd", "from a clock that is ahead"));
        boxes.Read(_device.Id, "1-0123abcd").Should().Match<BlackBoxInfo>(b => b.Text!.StartsWith("from") && b.Time < now.AddDays(1));
        Take(DateTimeOffset.MinValue, new BlackBoxRequest("3-0123abcd", "from no clock"));
        boxes.List(_device.Id)[^1].Deployment.Should().Be("3-0123abcd");
    }

    [Theory]
    [InlineData("null")]
    [InlineData("""{"deployment":"../7","text":"x"}""")]
    [InlineData("""{"deployment":null,"text":"x"}""")]
    [InlineData("""{"deployment":"2-0123abcd","text":null}""")]
    public void A_bad_box_in_a_report_is_refused_before_anything_is_recorded(string bad)
    {
        var json = Report(_server.Time.GetUtcNow(), new BlackBoxRequest("1-0123abcd", "x"), new BlackBoxRequest("bad", "x"))
            .Replace("""{"deployment":"bad","text":"x"}""", bad, StringComparison.Ordinal);
        json.Should().Contain(bad);
        FluentActions.Invoking(() => Take(json)).Should().Throw<FormatException>();
        new BlackBoxes(_server.Data.OpenDatabase(), _server.Time).List(_device.Id).Should().BeEmpty();
        _server.Devices().Find(_device.Id).LastSeen.Should().BeNull();
    }

    [Fact]
    public void A_report_of_no_event_is_refused_too() =>
        FluentActions.Invoking(() => Take(Report(_server.Time.GetUtcNow()).Replace("\"events\":[]", "\"events\":[null]", StringComparison.Ordinal))).Should().Throw<FormatException>();

    private void Take(DateTimeOffset created, params BlackBoxRequest[] boxes) => Take(Report(created, boxes));

    private string Report(DateTimeOffset created, params BlackBoxRequest[] boxes) => JsonSerializer.Serialize(
        new OfflineReport(_device.Id, created, new PollRequest(BranchName.Parse("stable"), "", 1, 0), [], boxes), ProtocolJson.Default.OfflineReport);

    private void Take(string report)
    {
        var bytes = Encoding.UTF8.GetBytes(report);
        var file = JsonSerializer.SerializeToUtf8Bytes(new SignedReport(bytes, _device.Key.Sign(bytes)), ProtocolJson.Default.SignedReport);
        var database = _server.Data.OpenDatabase();
        new OfflineReports(database, _server.Devices(), new Events(database), new BlackBoxes(database, _server.Time), _server.Time).Take(file);
    }

    private async Task<TestDevice> EnrolledAsync()
    {
        var device = new TestDevice(_server);
        await device.EnrolAsync(_server.NewToken(TokenRole.Enrol));
        return device;
    }

    private Task<HttpResponseMessage> SendAsync(string deployment, string text) =>
        _device.SendAsync(Routes.BlackBoxes, new BlackBoxRequest(deployment, text), ProtocolJson.Default.BlackBoxRequest);
}
