using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using ContentTree.Server.Auditing;
using ContentTree.Server.Endpoints;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace ContentTree.Tests.Server;

/// <summary>What monitoring sees of a server, and what happens to those who try too often.</summary>
public sealed class MonitoringTests : IAsyncLifetime
{
    private TestServer _server = null!;

    public async Task InitializeAsync() => _server = await TestServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task A_server_that_cannot_work_is_there_and_not_ready()
    {
        (await _server.Http.GetStringAsync("/readyz")).Should().Be("ready\n");
        var root = Path.Combine(_server.DataPath, "repo/trust/root.json");
        File.Move(root, root + ".away");
        var answer = await _server.Http.GetAsync("/readyz");
        (await answer.ShouldBeProblemAsync(ProblemCode.Unavailable)).Detail.Should().Be("not ready: repository");
        answer.Headers.RetryAfter.Should().NotBeNull();
        (await _server.Http.GetStringAsync("/healthz")).Should().Be("ok\n");
        (await MetricsAsync())["ctree_ready"].Should().Be(0);
        File.Move(root + ".away", root);
        (await _server.Http.GetStringAsync("/readyz")).Should().Be("ready\n");
        _server.Data.OpenDatabase().Connect().Execute("DROP TABLE tokens");
        (await (await _server.Http.GetAsync("/readyz")).ShouldBeProblemAsync(ProblemCode.Unavailable)).Detail.Should().Be("not ready: database");
    }

    [Fact]
    public async Task The_numbers_are_those_of_what_happened()
    {
        _server.WriteSource("file", string.Join('\n', Enumerable.Range(0, 20_000)));
        var first = _server.Publish();
        _server.WriteSource("file", string.Join('\n', Enumerable.Range(1, 20_000)));
        var second = _server.Publish();
        using var accepted = new TestDevice(_server);
        using var pending = new TestDevice(_server);
        await accepted.EnrolAsync(_server.NewToken(TokenRole.Enrol));
        await pending.EnrolAsync();
        _server.Time.Ahead += TimeSpan.FromHours(1);
        for (var i = 0; i < 3; i++)
            (await accepted.PollAsync(new PollRequest(BranchName.Parse("stable"), "trial", 1, 0))).EnsureSuccessStatusCode();
        _server.Time.Ahead += TimeSpan.FromSeconds(100);
        var made = Path.GetFileName((await ServerCommand.DoAsync("--data", _server.DataPath, "delta", first.Commit.ToString(), second.Commit.ToString())).LastLine.Split(' ')[0]);
        var delta = (await _server.Http.GetByteArrayAsync(Routes.Delta(made))).Length;
        foreach (var range in new[] { "bytes=7-8", "bytes=0-3" })
        {
            using var part = new HttpRequestMessage(HttpMethod.Get, Routes.Delta(made)) { Headers = { { "Range", range } } };
            delta += (await (await _server.Http.SendAsync(part)).Content.ReadAsByteArrayAsync()).Length;
        }
        (await accepted.SendAsync(Routes.Deltas, new DeltaRequest(first.Commit, second.Commit), ProtocolJson.Default.DeltaRequest)).StatusCode.Should().Be(HttpStatusCode.NotFound, "this server makes none");
        var commit = (await _server.Http.GetByteArrayAsync(Routes.RepositoryObject(new ObjectName(ObjectKind.Commit, second.Commit)))).Length;
        await ServerCommand.DoAsync("branch", "promote", "stable", "next", "--server", _server.Url, "--token", _server.Admin);

        // A request is counted once its answer is on its way.
        await Eventually.TrueAsync(async () => (await MetricsAsync())["ctree_publishes_total"] > 0);
        var metrics = await MetricsAsync();

        metrics["ctree_polls_total"].Should().Be(3);
        metrics["ctree_enrolments_total"].Should().Be(2);
        metrics["ctree_publishes_total"].Should().Be(1);
        metrics["ctree_branches"].Should().Be(2);
        metrics["ctree_http_requests_total{route=\"/api/v1/poll\",method=\"POST\",code=\"200\"}"].Should().Be(3);
        metrics["ctree_sent_bytes_total{kind=\"delta\"}"].Should().Be(delta);
        metrics["ctree_sent_bytes_total{kind=\"object\"}"].Should().Be(commit);
        metrics["ctree_sent_bytes_total{kind=\"other\"}"].Should().BePositive();
        (metrics["ctree_deltas_wanted_total{found=\"true\"}"], metrics["ctree_deltas_wanted_total{found=\"false\"}"]).Should().Be((2, 1));
        metrics["ctree_delta_saved_bytes_total"].Should().BeGreaterThan(50_000).And.BeLessThan(120_000);
        (metrics["ctree_devices{state=\"accepted\"}"], metrics["ctree_devices{state=\"pending\"}"], metrics["ctree_devices{state=\"rejected\"}"]).Should().Be((1, 1, 0));
        metrics["ctree_devices_boot{boot=\"trial\"}"].Should().Be(1);
        metrics["ctree_devices_late"].Should().Be(0);
        metrics["ctree_poll_age_seconds{quantile=\"0.99\"}"].Should().BeInRange(100, 130);
        metrics["ctree_http_request_duration_seconds_count"].Should().Be(metrics["ctree_http_request_duration_seconds_bucket{le=\"+Inf\"}"]).And.BeGreaterThan(5);
        _server.Time.Ahead += TimeSpan.FromHours(2);
        (await MetricsAsync())["ctree_devices_late"].Should().Be(1);
    }

    [Fact]
    public async Task Nothing_that_a_stranger_chooses_becomes_a_series()
    {
        await MetricsAsync();
        foreach (var path in new[] { "/nothing", "/a\"b", "/repo/objects/zz/zz", "/repo/objects/00/%0A" })
            await _server.Http.GetAsync(path);
        var before = (await MetricsAsync()).Count;
        for (var i = 0; i < 50; i++)
        {
            await _server.Http.GetAsync($"/nothing/{i}");
            await _server.Http.GetAsync($"/repo/objects/00/{i}");
            (await _server.SendAsync(new HttpMethod($"M{i}"), "/nothing")).Dispose();
        }
        // One for methods that are none of ours.
        (await MetricsAsync()).Count.Should().BeInRange(before, before + 2);
    }

    [Fact]
    public async Task The_numbers_are_for_tokens_unless_the_settings_say_else()
    {
        await (await _server.Http.GetAsync("/metrics")).ShouldBeProblemAsync(ProblemCode.BadToken);
        await (await _server.SendAsync(HttpMethod.Get, "/metrics", token: _server.NewToken(TokenRole.Enrol))).ShouldBeProblemAsync(ProblemCode.Forbidden);
        (await _server.SendAsync(HttpMethod.Get, "/metrics", token: _server.NewToken(TokenRole.Viewer))).Content.Headers.ContentType!.ToString().Should().Be("text/plain; version=0.0.4; charset=utf-8");
        _server.WriteSettings("metrics = public\n");
        (await _server.Http.GetAsync("/metrics")).StatusCode.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Who_tries_tokens_waits_and_others_behind_the_same_address_do_not()
    {
        async Task<HttpResponseMessage> TryAsync(string token) => await _server.SendAsync(HttpMethod.Get, Routes.Branches, token: token);
        for (var i = 0; i < 20; i++)
            await (await TryAsync($"ctree-0000000a.{i}")).ShouldBeProblemAsync(ProblemCode.BadToken);
        var refused = await TryAsync("ctree-0000000a.x");
        await refused.ShouldBeProblemAsync(ProblemCode.TooMany);
        refused.Headers.RetryAfter!.Delta.Should().Be(AttemptLimit.Window);
        await (await TryAsync("ctree-0000000b.x")).ShouldBeProblemAsync(ProblemCode.BadToken);
        (await TryAsync(_server.Admin)).StatusCode.Should().Be(HttpStatusCode.OK);
        await (await _server.Http.GetAsync(Routes.Branches)).ShouldBeProblemAsync(ProblemCode.BadToken);

        for (var i = 0; i < 180; i++)
            await TryAsync($"ctree-{i:x8}.x");
        await (await TryAsync(_server.Admin)).ShouldBeProblemAsync(ProblemCode.TooMany);
        using var device = new TestDevice(_server);
        (await device.EnrolAsync()).StatusCode.Should().Be(HttpStatusCode.OK);
        (await device.PollAsync()).StatusCode.Should().Be(HttpStatusCode.OK);
        using var elsewhere = new HttpRequestMessage(HttpMethod.Get, Routes.Branches);
        elsewhere.Headers.TryAddWithoutValidation("Authorization", $"Bearer {_server.Admin}");
        elsewhere.Headers.TryAddWithoutValidation("X-Forwarded-For", "192.0.2.7");
        (await _server.Http.SendAsync(elsewhere)).StatusCode.Should().Be(HttpStatusCode.OK);
        _server.Time.Ahead += AttemptLimit.Window;
        (await TryAsync(_server.Admin)).StatusCode.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_herd_of_devices_behind_one_address_is_answered()
    {
        _server.Publish();
        TestDevice[] herd = [.. Enumerable.Range(0, 100).Select(_ => new TestDevice(_server))];
        foreach (var device in herd)
            (await device.EnrolAsync(_server.NewToken(TokenRole.Enrol))).EnsureSuccessStatusCode();
        var answers = await Task.WhenAll(Enumerable.Range(0, 4).SelectMany(_ => herd).Select(device => device.PollAsync()));
        answers.Should().HaveCount(400).And.OnlyContain(a => a.StatusCode == HttpStatusCode.OK);
        foreach (var device in herd)
            device.Dispose();
    }

    [Fact]
    public async Task Strangers_of_one_address_come_a_few_at_a_time()
    {
        _server.Options = _server.Options with { MaxStrangers = 3 };
        await _server.RestartAsync();
        using var known = new TestDevice(_server);
        await known.EnrolAsync();
        for (var i = 0; i < 2; i++)
        {
            using var device = new TestDevice(_server);
            (await device.EnrolAsync()).StatusCode.Should().Be(HttpStatusCode.OK);
        }
        using var stranger = new TestDevice(_server);
        await (await stranger.EnrolAsync()).ShouldBeProblemAsync(ProblemCode.TooMany);
        (await known.EnrolAsync()).StatusCode.Should().Be(HttpStatusCode.OK);
        (await stranger.EnrolAsync(_server.NewToken(TokenRole.Enrol))).StatusCode.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Who_tries_enrolment_tokens_waits_before_they_are_looked_up()
    {
        _server.Options = _server.Options with { MaxFailures = 20 };
        await _server.RestartAsync();
        using var known = new TestDevice(_server);
        await known.EnrolAsync(_server.NewToken(TokenRole.Enrol));
        using var guesser = new TestDevice(_server);
        for (var i = 0; i < 2; i++)
            await (await guesser.EnrolAsync("0123.guess" + i)).ShouldBeProblemAsync(ProblemCode.BadToken);
        await (await guesser.EnrolAsync("0123.guess2")).ShouldBeProblemAsync(ProblemCode.TooMany);
        var right = _server.NewToken(TokenRole.Enrol);
        (await guesser.EnrolAsync(right)).StatusCode.Should().Be(HttpStatusCode.OK);
        (await known.EnrolAsync("0123.guess3")).StatusCode.Should().Be(HttpStatusCode.OK, "it is in already");
        using var other = new TestDevice(_server);
        for (var i = 0; i < 18; i++)
            await (await other.EnrolAsync($"{i}.guess")).ShouldBeProblemAsync(ProblemCode.BadToken);
        await (await other.EnrolAsync(_server.NewToken(TokenRole.Enrol))).ShouldBeProblemAsync(ProblemCode.TooMany);
        _server.Time.Ahead += AttemptLimit.Window;
        (await other.EnrolAsync(_server.NewToken(TokenRole.Enrol))).StatusCode.Should().Be(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("127.0.0.1", "192.0.2.7", "192.0.2.7")]
    [InlineData("127.0.0.1", "192.0.2.66, 192.0.2.7", "192.0.2.7")]
    [InlineData("::ffff:127.0.0.1", "2001:db8::7", "2001:db8::7")]
    [InlineData("10.1.2.3", "192.0.2.7", "192.0.2.7")]
    [InlineData("10.2.0.1", "192.0.2.7", "10.2.0.1")]
    [InlineData("127.0.0.1", "nonsense", "127.0.0.1")]
    [InlineData("127.0.0.1", "", "127.0.0.1")]
    public async Task Only_a_known_proxy_says_for_whom_it_asks(string peer, string said, string expected)
    {
        var context = new DefaultHttpContext();
        context.Connection.RemoteIpAddress = IPAddress.Parse(peer);
        context.Request.Headers["X-Forwarded-For"] = said;
        _server.WriteSettings("proxy.addresses = 10.1.0.0/16, 2001:db8:1::1\n");
        await new ClientAddress(ServerSettings.Load(_server.DataPath).Proxies).InvokeAsync(context, _ => Task.CompletedTask);
        context.Connection.RemoteIpAddress.Should().Be(IPAddress.Parse(expected));
    }

    [Fact]
    public async Task The_audit_log_has_the_address_that_the_proxy_saw()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Routes.Branches) { Content = new StringContent("{\"name\":\"x\"}") };
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {_server.Admin}");
        request.Headers.TryAddWithoutValidation("X-Forwarded-For", "203.0.113.9");
        (await _server.Http.SendAsync(request)).EnsureSuccessStatusCode();
        new Audit(_server.Data, _server.Time).List(new AuditFilter(), 1).Single().Address.Should().Be("203.0.113.9");
    }

    [Fact]
    public async Task Log_lines_are_json_when_somebody_asks_for_it()
    {
        using var data = DataDirectory.Create(_server["logged"], TimeProvider.System);
        var (process, url) = await ServerProcess.ServeAsync(_server["logged"], options: ["--log-format", "json"]);
        using (process)
        {
            using var http = new HttpClient { BaseAddress = new Uri(url) };
            using var device = new TestDevice(_server) { Through = http };
            (await device.EnrolAsync(name: "a \"name\"")).EnsureSuccessStatusCode();
            await process.KillAsync();
            var line = process.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(text => JsonNode.Parse(text)!).Single(node => node["Message"]!.GetValue<string>().Contains("enrolled"));
            line["State"]!["Name"]!.GetValue<string>().Should().Be("a \"name\"");
            line["LogLevel"]!.GetValue<string>().Should().Be("Information");
            DateTimeOffset.TryParse(line["Timestamp"]!.GetValue<string>(), CultureInfo.InvariantCulture, out _).Should().BeTrue();
        }
    }

    // Every line is as the format wants it.
    private async Task<Dictionary<string, double>> MetricsAsync()
    {
        var answer = await _server.SendAsync(HttpMethod.Get, "/metrics", token: _server.Admin);
        answer.StatusCode.Should().Be(HttpStatusCode.OK);
        var metrics = new Dictionary<string, double>();
        var known = new HashSet<string>();
        foreach (var line in (await answer.Content.ReadAsStringAsync()).TrimEnd('\n').Split('\n'))
        {
            if (Regex.Match(line, "^# TYPE ([a-z_]+) (counter|gauge|histogram)$") is { Success: true } type)
                known.Add(type.Groups[1].Value).Should().BeTrue(line);
            else if (!line.StartsWith("# HELP ", StringComparison.Ordinal))
            {
                var match = Regex.Match(line, "^(([a-z_]+)(\\{[a-z]+=\"[^\"\\\\]*\"(,[a-z]+=\"[^\"\\\\]*\")*\\})?) ([0-9.eE+-]+)$");
                match.Success.Should().BeTrue(line);
                known.Should().Contain(Regex.Replace(match.Groups[2].Value, "(?<=duration_seconds)_(bucket|sum|count)$", ""));
                metrics.Add(match.Groups[1].Value, double.Parse(match.Groups[5].Value, CultureInfo.InvariantCulture));
            }
        }
        return metrics;
    }
}
