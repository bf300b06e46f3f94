using System.Net;
using ContentTree.Server.Storage;
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

    private async Task<TestDevice> EnrolledAsync()
    {
        var device = new TestDevice(_server);
        await device.EnrolAsync(_server.NewToken(TokenRole.Enrol));
        return device;
    }

    private Task<HttpResponseMessage> SendAsync(string deployment, string text) =>
        _device.SendAsync(Routes.BlackBoxes, new BlackBoxRequest(deployment, text), ProtocolJson.Default.BlackBoxRequest);
}
