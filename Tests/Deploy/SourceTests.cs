using System.Text.Json.Nodes;
using ContentTree.Server.Deltas;
using ContentTree.Store.Deltas.Generation;
using ContentTree.Store.Objects;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deploy;

/// <summary>Mirrors, sticks and manners, seen from outside: which requests are made, how many bytes come, how it ends.</summary>
public sealed class SourceTests : IAsyncLifetime
{
    private const string ContentsOf = "for i in 1 2 3; do echo content $i > $i; done; head -c 600000 /dev/urandom > large";

    private TestServer _server = null!;
    private TestDevice _device = null!;
    private string _stick = "";
    private ObjectId _old, _new;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _old = _server.Publish("echo running > file");
        _device = await TestDevice.EnrolledAsync(_server);
        await _device.TakeAsync();
        _new = _server.Publish(ContentsOf);
        _stick = Path.Combine(_device.Root, "stick");
        Shell.Run($"cp -r '{_server.Data.Repository.Path}' '{_stick}'");
        _server.Link.Reset();
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_stick_with_a_copy_of_the_repository_serves_all_content()
    {
        UseStick();
        await _device.UpdateAsync();
        _server.Link.Requests.Should().NotContain(r => r.IsObject);
        _device.NothingIsFalse();
    }

    [Fact]
    public async Task A_mirror_over_http_is_asked_before_the_server()
    {
        await using var mirror = new UnreliableLink(new Uri(_server.Link.Url));
        _device.Configure($"mirrors = {mirror.Url}/repo\n");
        await _device.UpdateAsync();
        mirror.Requests.Should().Contain(r => r.IsContent).And.OnlyContain(r => r.IsObject || r.Path.StartsWith("/repo/deltas/", StringComparison.Ordinal));
        _server.Link.Requests.Count(r => r.IsObject).Should().Be(mirror.Requests.Count(r => r.IsObject), "all of them came through the mirror");
    }

    [Fact]
    public async Task What_a_mirror_lacks_or_has_wrongly_comes_from_the_server()
    {
        UseStick();
        var contents = Directory.GetFiles(Path.Combine(_stick, "objects"), "*.file", SearchOption.AllDirectories).Order().ToArray();
        File.Delete(contents[0]);
        var wrong = File.ReadAllBytes(contents[^1]);
        wrong[wrong.Length / 2] ^= 1;
        File.WriteAllBytes(contents[^1], wrong);
        foreach (var tree in Directory.GetFiles(Path.Combine(_stick, "objects"), "*.tree", SearchOption.AllDirectories))
            File.WriteAllText(tree, "no frame");
        await _device.UpdateAsync();
        _server.Link.Requests.Count(r => r.IsContent).Should().BeInRange(1, 2);
        _device.NothingIsFalse();
    }

    [Fact]
    public async Task A_mirror_that_is_down_costs_one_try()
    {
        _device.Configure("mirrors = http://127.0.0.1:9/repo\nretry-min = 10min\nretry-max = 10min\n");
        await _device.UpdateAsync();
        _device.NothingIsFalse();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_mirror_that_drips_holds_nothing_up(bool byDelta)
    {
        if (byDelta)
        {
            using var deltas = new DeltaStore(_server.Data);
            deltas.Make(_old, _new, new DeltaOptions(), null, CancellationToken.None);
        }
        await using var mirror = new UnreliableLink(new Uri(_server.Link.Url));
        mirror.Spoil = (request, answer) => answer.Drips = answer.Body.Length > 5_000;
        _device.Configure($"mirrors = {mirror.Url}/repo\nstall-timeout = 3s\n");
        await _device.UpdateAsync().WaitAsync(TimeSpan.FromMinutes(2));
        mirror.Requests.Should().Contain(r => r.Path.EndsWith(byDelta ? ".ctd" : ".file", StringComparison.Ordinal));
        _device.NothingIsFalse();
    }

    [Fact]
    public async Task A_stick_brings_an_update_where_there_is_no_network()
    {
        UseStick();
        _server.Link.Spoil = (_, answer) => answer.CutAfter = -1;
        await _device.UpdateAsync();
        _device.Deployments().Should().HaveCount(2);
        _device.NothingIsFalse();
    }

    [Fact]
    public async Task A_stick_with_an_old_head_or_a_forged_one_brings_nothing()
    {
        UseStick();
        await _device.UpdateAsync();
        _server.Link.Spoil = (_, answer) => answer.CutAfter = -1;
        File.Copy(Path.Combine(_stick, "history/main/1.json"), Path.Combine(_stick, "heads/main.json"), overwrite: true);
        (await _device.RunAsync("update")).Code.Should().Be(13);
        File.WriteAllText(Path.Combine(_stick, "heads/main.json"), "{}");
        (await _device.RunAsync("update")).Code.Should().Be(13);
    }

    [Fact]
    public async Task A_mirror_elsewhere_moves_no_head_while_the_server_is_down()
    {
        await using var mirror = new UnreliableLink(new Uri(_server.Link.Url));
        _device.Configure($"mirrors = {mirror.Url}/repo\n");
        _server.Link.Spoil = (request, answer) => answer.CutAfter = request.Path.StartsWith("/api", StringComparison.Ordinal) ? -1 : null;
        (await _device.RunAsync("update")).Code.Should().Be(13);
        mirror.Requests.Should().BeEmpty();
    }

    [Theory]
    [InlineData(404, "text/html", "<html>not here</html>", true)]
    [InlineData(302, "text/html", "", true)]
    [InlineData(200, "text/html", "<html>please log in</html>", true)]
    [InlineData(511, "text/html", "<html>please log in</html>", true)]
    [InlineData(503, "text/plain", "busy", false)]
    public async Task A_network_that_wants_a_log_in_is_no_failure_of_the_server(int status, string type, string body, bool isNoNetwork)
    {
        _server.Link.Spoil = (_, answer) => answer.Replace(status, type, body);
        (await _device.RunAsync("update")).Code.Should().Be(13);
        Poll()["failures"]!.GetValue<int>().Should().Be(isNoNetwork ? 0 : 1);
    }

    [Fact]
    public async Task In_quiet_hours_polls_go_on_and_downloads_wait()
    {
        _device.Configure($"quiet-hours = {DateTime.UtcNow.AddHours(-1):HH:mm}-{DateTime.UtcNow.AddHours(1):HH:mm} UTC\n");
        var result = await _device.RunAsync("update");
        result.Code.Should().Be(16, result.Error);
        _server.Link.Requests.Should().Contain(r => r.Path == "/api/v1/poll").And.NotContain(r => r.IsObject);
        _device.Configure($"quiet-hours = {DateTime.UtcNow.AddHours(2):HH:mm}-{DateTime.UtcNow.AddHours(3):HH:mm} UTC\n");
        await _device.UpdateAsync();
    }

    [Fact]
    public async Task The_servers_limits_hold_and_what_came_is_kept()
    {
        const long Budget = 1_200_000;
        _server.Publish("head -c 3000000 /dev/urandom > large");
        _server.Link.Reset();
        _server.Link.Spoil = (request, answer) =>
        {
            if (request.Path == "/api/v1/poll")
                answer.Body = System.Text.Encoding.UTF8.GetBytes(System.Text.Encoding.UTF8.GetString(answer.Body).Insert(1, $"\"transfer\":{{\"dailyBudget\":{Budget}}},"));
        };
        var result = await _device.RunAsync("update");
        result.Code.Should().Be(16, result.Error);
        result.Error.Should().Contain("budget");
        var objects = _server.Link.Requests.Count(r => r.IsObject);
        (await _device.RunAsync("update")).Code.Should().Be(16);
        _server.Link.Requests.Count(r => r.IsObject).Should().Be(objects, "the budget is spent, also for the next process");
        _server.Link.Reset();
        await _device.UpdateAsync();
        _server.Link.BodyBytes.Should().BeLessThan(3_000_000 - (Budget - 64 * 1024) + 64 * 1024, "most of the large file had come before");
        _device.NothingIsFalse();
    }

    [Fact]
    public async Task Progress_tells_rate_and_time_left()
    {
        var result = await _device.RunAsync("update", "--json");
        var last = JsonNode.Parse(result.Error.Trim().Split('\n')[^1])!;
        last["bytesPerSecond"]!.GetValue<long>().Should().BePositive();
        last["done"]!.GetValue<bool>().Should().BeTrue();
    }

    [Fact]
    public async Task A_poll_is_one_request_with_nothing_in_it_that_need_not_be()
    {
        await _device.TakeAsync();
        await _device.UpdateAsync();
        _server.Link.Reset();
        await _device.UpdateAsync();
        var poll = _server.Link.Requests.Should().ContainSingle().Subject;
        poll.Headers.Should().NotContainKeys("Expect", "Accept-Encoding", "traceparent");
        int.Parse(poll.Headers["Content-Length"]).Should().BeLessThan(400);
        // "POST /api/v1/poll HTTP/1.1", then the header lines.
        (29 + poll.Headers.Sum(h => h.Key.Length + h.Value.Length + 4)).Should().BeLessThan(360);
        _server.Link.BodyBytes.Should().BeLessThan(550);
    }

    private void UseStick() => _device.Configure($"mirrors = {_stick}\n");

    private JsonNode Poll() => JsonNode.Parse(File.ReadAllText(Path.Combine(_device.Layout.State, "last.json")))!["poll"]!;
}
