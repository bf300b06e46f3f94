using System.Net;
using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Fleet;
using ContentTree.Tests.Support;
using ContentTree.Tests.Trust;

namespace ContentTree.Tests.Server;

/// <summary>Two servers on one directory and one PostgreSQL: what one of them does not live to do, the other one does.</summary>
[Trait("Category", "Slow")]
#pragma warning disable CA1001 // xunit calls DisposeAsync.
public sealed class ReplicaTests : IAsyncLifetime
#pragma warning restore CA1001
{
    private readonly TemporaryDirectory _temporary = new();
    private readonly string _address = PostgresServer.Missing is null ? PostgresServer.Shared.NewAddress() : "";
    private TestServer _here = null!;
    private ServerProcess _there = null!;
    private HttpClient _thereHttp = null!;

    private string Data => _temporary["data"];

    public async Task InitializeAsync()
    {
        Directory.CreateDirectory(_temporary["source"]);
        await ServerCommand.DoAsync("--data", Data, "init");
        await ServerCommand.DoAsync("--data", Data, "migrate", "--to", _address);
        if (TestStorage.IsBucket)
            await ServerCommand.DoAsync("--data", Data, "migrate", "--objects-to", CephGateway.Shared.NewAddress());
        (_there, var url) = await ServerProcess.ServeAsync(Data);
        _thereHttp = new HttpClient { BaseAddress = new Uri(url) };
        while (PostgresServer.Shared.Query(_address, "SELECT count(*) FROM leases WHERE work = 'rollouts'") == "0")
            await Task.Delay(50);
        _here = await TestServer.StartAsync(Data);
    }

    public async Task DisposeAsync()
    {
        await _here.DisposeAsync();
        _thereHttp.Dispose();
        _there.Dispose();
        _temporary.Dispose();
    }

    [PostgresFact]
    public async Task A_rollout_goes_on_at_the_other_one()
    {
        var first = await PublishAsync("one");
        await ServerCommand.DoAsync("--data", Data, "branch", "pin", "stable", first);
        var devices = new List<FleetDevice>();
        for (var i = 0; i < 4; i++)
            devices.Add(await FleetDevice.EnrolledAsync(_here, through: i % 2 == 0 ? _thereHttp : null));
        var second = ObjectId.Parse(await PublishAsync("two"));
        await ServerCommand.DoAsync("--data", Data, "rollout", "start", "--branch", "stable", "--to", "stable", "--wave", $"{devices[0].Id},{devices[1].Id}", "--wave", "100%", "--soak", "1h");
        await UntilAsync(async () => { foreach (var d in devices) await d.PollAsync(); return Current() is { Reached: not null }; });
        devices.Select(d => d.Running == second).Should().Equal(true, true, false, false);
        var holder = PostgresServer.Shared.Query(_address, "SELECT holder FROM leases WHERE work = 'rollouts'");

        (await _there.KillAsync()).Should().BeTrue();
        _here.Time.Ahead += TimeSpan.FromMinutes(61);

        await UntilAsync(() => Task.FromResult(Current() is { Wave: 1 }));
        PostgresServer.Shared.Query(_address, "SELECT holder FROM leases WHERE work = 'rollouts'").Should().NotBe(holder);
        foreach (var device in devices)
            device.GoThrough(null);
        await UntilAsync(async () => { foreach (var d in devices) await d.PollAsync(); return devices.TrueForAll(d => d.Running == second); });
        devices.ForEach(d => d.Dispose());
    }

    [PostgresFact]
    public async Task What_was_signed_for_one_is_a_replay_at_the_other_and_a_token_that_is_taken_back_is_so_everywhere()
    {
        using var device = new TestDevice(_here);
        var body = System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(new EnrolRequest(device.Key.Public.Pem, "x", "scope-2", "x86_64", BranchName.Parse("stable"), null), ProtocolJson.Default.EnrolRequest);
        using var request = device.Sign(Routes.Enrol, body);
        using var again = new HttpRequestMessage(HttpMethod.Post, Routes.Enrol) { Content = new ByteArrayContent(body) };
        again.Content.Headers.ContentType = request.Content!.Headers.ContentType;
        again.Headers.TryAddWithoutValidation("Authorization", request.Headers.GetValues("Authorization"));
        (await _here.Http.SendAsync(request)).StatusCode.Should().Be(HttpStatusCode.OK);
        (await _thereHttp.SendAsync(again)).StatusCode.Should().Be(HttpStatusCode.Unauthorized);

        var token = _here.NewToken(TokenRole.Viewer);
        (await AskAsync(token)).Should().Be(HttpStatusCode.OK);
        await ServerCommand.DoAsync("token", "revoke", token.Split('.')[0]["ctree-".Length..], "--server", _here.Url, "--token", _here.NewToken(TokenRole.Admin));
        (await AskAsync(token)).Should().Be(HttpStatusCode.Unauthorized);
    }

    [PostgresFact]
    public async Task A_request_that_names_itself_is_done_by_one_of_them()
    {
        await PublishAsync("one");
        var head = new Branches(_here.Data, _here.Time).ReadHead(BranchName.Parse("stable"));
        var (token, move) = (_here.NewToken(TokenRole.Admin), new MoveHeadRequest(BranchName.Parse("canary"), head.Commit, 0));
        var work = $"request {token.Split('.')[0]["ctree-".Length..]} once";
        using (var connection = _here.Data.OpenDatabase().Connect())
            connection.Execute("INSERT INTO leases (work, holder, expires) VALUES ($work, 'another', $expires)", ("$work", work), ("$expires", _here.Time.GetUtcNow().AddSeconds(30)));

        (await MoveAsync(move, token)).StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable, "the other one is at it");
        _here.Time.Ahead += TimeSpan.FromSeconds(31);
        (await MoveAsync(move, token)).StatusCode.Should().Be(HttpStatusCode.OK, "it has fallen silent");
        PostgresServer.Shared.Query(_address, $"SELECT count(*) FROM leases WHERE work = '{work}'").Should().Be("0");
    }

    [PostgresFact]
    public async Task A_publisher_that_loses_its_server_ends_the_publish_at_the_other_one()
    {
        var port = Nginx.FreePort();
        var upstream = TestFiles.Block(TestFiles.Page("scale.md"), "## A database for several servers", "nginx")
            .Replace("10.0.0.11:8480", $"127.0.0.1:{_thereHttp.BaseAddress!.Port}", StringComparison.Ordinal)
            .Replace("10.0.0.12:8480", $"127.0.0.1:{new Uri(_here.Url).Port}", StringComparison.Ordinal);
        var log = _temporary["nginx/asked"];
        using var nginx = await Nginx.StartAsync(_temporary["nginx"], $"log_format asked '$upstream_addr $request_method $uri';\n{upstream}\nserver {{ listen 127.0.0.1:{port}; access_log {log} asked; location / {{ proxy_pass http://ctree; client_max_body_size 0; proxy_request_buffering off; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }} }}", port);
        for (var i = 0; i < 300; i++)
            File.WriteAllText(_temporary[$"source/file-{i}"], $"content {i}");
        var token = await TokenOfAsync(port, log);
        Task<ServerCommand> Publish() => ServerCommand.RunAsync("publish", "--server", $"http://127.0.0.1:{port}", "--token", token, "--cache", _temporary["cache"], "--branch", "stable", _temporary["source"]);

        var publish = Publish();
        await UntilAsync(() => Task.FromResult(publish.IsCompleted || Asked(log).Any(line => line.Contains(" POST ", StringComparison.Ordinal))));
        Asked(log).Where(line => line.Contains(" POST ", StringComparison.Ordinal)).Should().NotBeEmpty().And.OnlyContain(line => line.StartsWith(There, StringComparison.Ordinal), "the hash has chosen the one that is to end");
        (await _there.KillAsync()).Should().BeTrue();
        var ended = await publish;
        // However far it had come: said again it ends well.
        if (ended.Exit != 0)
            ended = await Publish();

        ended.Exit.Should().Be(0, ended.Error);
        FullCheck.Run(_here.Data, _here.Time, CancellationToken.None).Damage.Should().BeEmpty();
        (await _here.SendAsync(HttpMethod.Get, "/repo/heads/stable.json")).StatusCode.Should().Be(HttpStatusCode.OK);
    }

    private string There => $"127.0.0.1:{_thereHttp.BaseAddress!.Port} ";

    private static string[] Asked(string log) => File.Exists(log) ? File.ReadAllLines(log) : [];

    // One that the hash gives to the server that is to end.
    private async Task<string> TokenOfAsync(int port, string log)
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        while (true)
        {
            var token = _here.NewToken(TokenRole.Admin);
            using var request = new HttpRequestMessage(HttpMethod.Get, "/healthz");
            request.Headers.Authorization = new System.Net.Http.Headers.AuthenticationHeaderValue("Bearer", token);
            var before = Asked(log).Length;
            (await http.SendAsync(request)).StatusCode.Should().Be(HttpStatusCode.OK);
            await UntilAsync(() => Task.FromResult(Asked(log).Length > before));
            if (Asked(log)[^1].StartsWith(There, StringComparison.Ordinal))
                return token;
        }
    }

    private RolloutInfo? Current()
    {
        using var connection = _here.Data.OpenDatabase().Connect();
        return RolloutBook.List(connection, 1) is [var newest] ? RolloutBook.Describe(newest) : null;
    }

    private static async Task UntilAsync(Func<Task<bool>> isThere)
    {
        for (var patience = 0; patience < 300; patience++)
        {
            if (await isThere())
                return;
            await Task.Delay(100);
        }
        Assert.Fail("it never came where it should");
    }

    private async Task<HttpStatusCode> AskAsync(string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/devices");
        request.Headers.Authorization = new System.Net.Http.Headers.AuthenticationHeaderValue("Bearer", token);
        return (await _thereHttp.SendAsync(request)).StatusCode;
    }

    private async Task<HttpResponseMessage> MoveAsync(MoveHeadRequest move, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Routes.PublishHeads) { Content = new ByteArrayContent(System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(move, ProtocolJson.Default.MoveHeadRequest)) };
        request.Headers.Authorization = new System.Net.Http.Headers.AuthenticationHeaderValue("Bearer", token);
        request.Headers.Add("Idempotency-Key", "once");
        return await _here.Http.SendAsync(request);
    }

    private async Task<string> PublishAsync(string content)
    {
        File.WriteAllText(_temporary["source/file"], content);
        return (await ServerCommand.DoAsync("--data", Data, "publish", "--branch", "stable", _temporary["source"])).LastLine;
    }
}
