using System.Net;
using System.Net.Http.Headers;
using ContentTree.Server.Storage;
using ContentTree.Server.Storage.Buckets;
using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Support;
using ContentTree.Tests.Trust;

namespace ContentTree.Tests.Server;

/// <summary>A server whose objects are in a bucket of a real Ceph gateway.</summary>
[Trait("Category", "Slow")]
public sealed class BucketServerTests : IDisposable
{
    private const int Files = 60;

    private readonly TemporaryDirectory _temporary = new();

    private string Data => _temporary["data"];

    private string Source => _temporary["source"];

    public void Dispose() => _temporary.Dispose();

    [CephFact]
    public async Task Objects_move_into_a_bucket_and_back_and_are_served_wherever_they_are()
    {
        await InitAsync();
        await PublishAsync(1);
        var frames = Objects().ToDictionary(name => name, name => File.ReadAllBytes(PathOf(name)));
        var address = CephGateway.Shared.NewAddress();

        var moved = await DoAsync("migrate", "--objects-to", address);

        moved.LastLine.Should().StartWith("s3://ctree/test/").And.NotContain("credentials");
        moved.Error.Should().Contain($"{frames.Count} objects copied");
        (await KeysAsync(address)).Should().BeEquivalentTo(frames.Keys.Select(name => name.RelativePath));
        Objects().Should().BeEquivalentTo(frames.Keys);
        Objects().Where(name => IsStandIn(name)).Should().OnlyContain(name => name.Kind == ObjectKind.File).And.HaveCount(Files + 1);
        await PublishAsync(2);
        await RequireSourceAsync();
        (await KeysAsync(address)).Should().BeEquivalentTo(Objects().Select(name => name.RelativePath));
        ForgetCache();
        await using (var server = await TestServer.StartAsync(Data))
        {
            foreach (var (name, frame) in frames)
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, $"/repo/{name.RelativePath}");
                request.Headers.Range = new RangeHeaderValue(3, 20);
                using var answer = await server.Http.SendAsync(request);
                answer.StatusCode.Should().Be(HttpStatusCode.PartialContent);
                (await answer.Content.ReadAsByteArrayAsync()).Should().Equal(frame[3..Math.Min(21, frame.Length)]);
            }
        }
        (await DoAsync("migrate", "--objects-to", address)).Error.Should().Contain("0 objects copied");
        await DoAsync("gc", "--grace", "0", "--keep", "1");
        (await KeysAsync(address)).Should().BeEquivalentTo(Objects().Select(name => name.RelativePath));

        await DoAsync("migrate", "--objects-to", "directory");

        Objects().Should().OnlyContain(name => !IsStandIn(name));
        ServerSettings.Load(Data).Objects.Should().BeNull();
        Directory.Delete(Path.Combine(Data, "cache/objects"), recursive: true);
        await RequireSourceAsync();
    }

    [CephFact]
    public async Task While_a_server_runs_objects_are_copied_and_the_rest_is_said()
    {
        await InitAsync();
        await PublishAsync(1);
        var address = CephGateway.Shared.NewAddress();
        await using (await TestServer.StartAsync(Data))
        {
            var refused = await ServerCommand.RunAsync("--data", Data, "migrate", "--objects-to", address);
            refused.Exit.Should().Be((int)ExitCode.Conflict);
            refused.Error.Should().Contain("stop every server");
            ServerSettings.Load(Data).Objects.Should().BeNull();
        }
        (await DoAsync("migrate", "--objects-to", address)).Error.Should().Contain("0 objects copied");
        await RequireSourceAsync();
        var elsewhere = await ServerCommand.RunAsync("--data", Data, "migrate", "--objects-to", CephGateway.Shared.NewAddress());
        elsewhere.Exit.Should().Be((int)ExitCode.Conflict);
        elsewhere.Error.Should().Contain("bring them back first");

        await ServerCommand.DoAsync("--data", _temporary["other"], "init");
        var taken = await ServerCommand.RunAsync("--data", _temporary["other"], "migrate", "--objects-to", address);
        taken.Exit.Should().Be((int)ExitCode.Conflict);
        taken.Error.Should().Contain("another directory");
    }

    [CephFact]
    public async Task A_move_that_is_killed_loses_nothing_and_goes_on()
    {
        await InitAsync();
        await PublishAsync(1);
        var address = CephGateway.Shared.NewAddress();
        await KillAsync(address, async () => (await KeysAsync(address)).Count > 10);
        await RequireSourceAsync();
        await KillAsync(address, () => Task.FromResult(ServerSettings.Load(Data).Objects is not null));
        await KillAsync(address, () => Task.FromResult(Objects().Count(IsStandIn) > 20));
        ForgetCache();
        await RequireSourceAsync();
        await DoAsync("migrate", "--objects-to", address);
        Objects().Where(name => name.Kind == ObjectKind.File).Should().OnlyContain(name => IsStandIn(name));
        await RequireSourceAsync();

        await KillAsync("directory", () => Task.FromResult(Objects().Count(IsStandIn) < 40));
        await RequireSourceAsync();
        await KillAsync("directory", () => Task.FromResult(!Objects().Any(IsStandIn)));
        // Between its two durable steps the same move helps.
        if ((await ServerCommand.RunAsync("--data", Data, "fsck")) is { Exit: not 0 } between)
            between.Error.Should().Contain("--objects-to");
        await DoAsync("migrate", "--objects-to", "directory");
        ServerSettings.Load(Data).Objects.Should().BeNull();
        await RequireSourceAsync();
    }

    [CephFact]
    public async Task A_bucket_that_is_away_stops_what_needs_it_and_nothing_else()
    {
        using var between = new Forwarder(CephGateway.Shared.Url);
        await InitAsync();
        await DoAsync("migrate", "--objects-to", CephGateway.Shared.NewAddress(between.Url));
        await PublishAsync(1);
        await using var server = await TestServer.StartAsync(Data);
        var file = Objects().First(name => name.Kind == ObjectKind.File);
        (await server.Http.GetAsync($"/repo/{file.RelativePath}")).StatusCode.Should().Be(HttpStatusCode.OK);

        between.IsAway = true;

        (await server.Http.GetAsync($"/repo/{file.RelativePath}")).StatusCode.Should().Be(HttpStatusCode.OK, "it is in the cache");
        (await server.Http.GetAsync("/repo/heads/stable.json")).StatusCode.Should().Be(HttpStatusCode.OK);
        (await server.Http.GetAsync("/healthz")).StatusCode.Should().Be(HttpStatusCode.OK);
        ForgetCache();
        var missing = await server.Http.GetAsync($"/repo/{file.RelativePath}");
        missing.StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable);
        missing.Headers.RetryAfter.Should().NotBeNull();
        var head = await server.Http.GetStringAsync("/repo/heads/stable.json");
        NewSource(2);
        var refused = await ServerCommand.RunAsync("--data", Data, "publish", "--branch", "stable", Source);
        refused.Exit.Should().Be((int)ExitCode.Unreachable);
        refused.Error.Should().Contain("s3://ctree/");
        (await server.Http.GetStringAsync("/repo/heads/stable.json")).Should().Be(head);

        between.IsAway = false;

        (await server.Http.GetAsync($"/repo/{file.RelativePath}")).StatusCode.Should().Be(HttpStatusCode.OK);
        await PublishAsync(2);
        await RequireSourceAsync();
    }

    [CephFact]
    public async Task What_costs_no_bytes_fetches_none()
    {
        await InitAsync();
        await DoAsync("migrate", "--objects-to", CephGateway.Shared.NewAddress());
        await PublishAsync(1);
        var large = Objects().MaxBy(name => new FileInfo(PathOf(name)).Length);
        var length = new FileInfo(PathOf(large)).Length;
        ForgetCache();
        await using var server = await TestServer.StartAsync(Data);
        async Task<HttpResponseMessage> AskAsync(HttpMethod method, Action<HttpRequestHeaders>? header = null)
        {
            using var request = new HttpRequestMessage(method, $"/repo/{large.RelativePath}");
            header?.Invoke(request.Headers);
            return await server.Http.SendAsync(request);
        }

        var head = await AskAsync(HttpMethod.Head);
        head.Content.Headers.ContentLength.Should().Be(length);
        (await AskAsync(HttpMethod.Get, headers => headers.IfNoneMatch.Add(head.Headers.ETag!))).StatusCode.Should().Be(HttpStatusCode.NotModified);
        var part = await AskAsync(HttpMethod.Get, headers => headers.Range = new RangeHeaderValue(length - 1, null));
        (part.StatusCode, part.Content.Headers.ContentRange?.Length).Should().Be((HttpStatusCode.PartialContent, length));
        var last = await AskAsync(HttpMethod.Get, headers => headers.Range = new RangeHeaderValue(length - 1, length - 1));
        var suffix = await AskAsync(HttpMethod.Get, headers => headers.Range = new RangeHeaderValue(null, 1));
        (await AskAsync(HttpMethod.Get, headers => headers.Range = new RangeHeaderValue(length, null))).StatusCode.Should().Be(HttpStatusCode.RequestedRangeNotSatisfiable);
        var whole = await (await AskAsync(HttpMethod.Get)).Content.ReadAsByteArrayAsync();

        whole.Should().HaveCount((int)length);
        foreach (var answer in new[] { part, last, suffix })
            (await answer.Content.ReadAsByteArrayAsync()).Should().Equal(whole[^1]);
    }

    [CephFact]
    public async Task Who_wants_all_of_an_object_is_sent_to_the_bucket_where_the_settings_say_so()
    {
        await InitAsync();
        await DoAsync("migrate", "--objects-to", CephGateway.Shared.NewAddress());
        await PublishAsync(1);
        File.AppendAllText(Path.Combine(Data, ServerSettings.FileName), "objects.redirect = yes\n");
        ForgetCache();
        await using var server = await TestServer.StartAsync(Data);
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = new Uri(server.Url) };
        using var nobody = new HttpClient();
        var (file, tree) = (Objects().First(name => name.Kind == ObjectKind.File), Objects().First(name => name.Kind == ObjectKind.Tree));
        async Task<HttpResponseMessage> AskAsync(ObjectName name, Action<HttpRequestHeaders>? header = null)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"/repo/{name.RelativePath}");
            header?.Invoke(request.Headers);
            return await http.SendAsync(request);
        }

        var sent = await AskAsync(file);
        (sent.StatusCode, sent.Headers.Location!.GetLeftPart(UriPartial.Authority), sent.Headers.CacheControl!.NoStore).Should().Be((HttpStatusCode.TemporaryRedirect, CephGateway.Shared.Url, true));
        sent.Headers.Location.Query.Should().Contain("X-Amz-Expires=300");
        var direct = await AskAsync(file, headers => headers.CacheControl = new CacheControlHeaderValue { NoCache = true });
        direct.StatusCode.Should().Be(HttpStatusCode.OK);
        (await nobody.GetByteArrayAsync(sent.Headers.Location)).Should().Equal(await direct.Content.ReadAsByteArrayAsync());
        (await nobody.GetAsync(sent.Headers.Location.AbsoluteUri.Replace(file.Id.ToString()[2..10], "00000000", StringComparison.Ordinal))).StatusCode.Should().Be(HttpStatusCode.Forbidden, "it is for this object");
        (await AskAsync(file, headers => headers.Range = new RangeHeaderValue(3, null))).StatusCode.Should().Be(HttpStatusCode.PartialContent);
        (await AskAsync(tree)).StatusCode.Should().Be(HttpStatusCode.OK, "it is here");

        await DoAsync("branch", "private", "stable");
        (await AskAsync(file)).StatusCode.Should().Be(HttpStatusCode.NotFound, "nobody hears where it is who may not have it");
        (await AskAsync(file, headers => headers.Authorization = new AuthenticationHeaderValue("Bearer", server.NewToken(TokenRole.Viewer)))).StatusCode.Should().Be(HttpStatusCode.TemporaryRedirect);
    }

    [CephFact]
    public async Task A_move_puts_again_what_has_the_length_and_not_the_bytes()
    {
        await InitAsync();
        await PublishAsync(1);
        var address = CephGateway.Shared.NewAddress();
        var frames = Objects().ToDictionary(name => name.RelativePath, name => File.ReadAllBytes(PathOf(name)));
        var (wrong, right) = (frames.First(frame => frame.Value.Length > 1000), frames.First(frame => frame.Value.Length < 1000));
        using (var bucket = new S3Bucket(BucketAddress.Parse(address)))
        {
            foreach (var (key, bytes) in new[] { (wrong.Key, new byte[wrong.Value.Length]), (right.Key, right.Value) })
            {
                File.WriteAllBytes(_temporary["put"], bytes);
                using var file = File.OpenHandle(_temporary["put"]);
                await bucket.PutAsync(key, file, bytes.Length, default);
            }
        }

        (await DoAsync("migrate", "--objects-to", address)).Error.Should().Contain($"{frames.Count - 1} objects copied");
        ForgetCache();
        await RequireSourceAsync();
    }

    [CephFact]
    public async Task What_does_not_come_back_stops_nothing_else()
    {
        await InitAsync();
        var address = CephGateway.Shared.NewAddress();
        await DoAsync("migrate", "--objects-to", address);
        await PublishAsync(1);
        ForgetCache();
        var lost = Objects().First(IsStandIn);
        await CephGateway.Shared.Client.DeleteObjectAsync(CephGateway.Bucket, CephGateway.PrefixOf(address) + lost.RelativePath);

        await using (await TestServer.StartAsync(Data))
            (await ServerCommand.RunAsync("--data", Data, "migrate", "--objects-to", "directory")).Error.Should().Contain("stop every server");
        Objects().Where(IsStandIn).Should().Equal([lost], "the others came while a server ran");
        var refused = await ServerCommand.RunAsync("--data", Data, "migrate", "--objects-to", "directory");
        refused.Exit.Should().Be((int)ExitCode.Unreachable);
        refused.Error.Should().Contain("1 of the objects").And.Contain(lost.ToString());
        ServerSettings.Load(Data).Objects.Should().NotBeNull();

        await DoAsync("publish", "--branch", "again", "--no-cache", Source);
        await DoAsync("migrate", "--objects-to", "directory");
        await RequireSourceAsync();
    }

    [CephFact]
    public async Task A_lost_line_is_said_and_not_taken_for_damage()
    {
        await InitAsync();
        await DoAsync("migrate", "--objects-to", CephGateway.Shared.NewAddress());
        await PublishAsync(1);
        File.WriteAllText(Path.Combine(Data, ServerSettings.FileName), "# nothing\n");

        var lost = await ServerCommand.RunAsync("--data", Data, "fsck");

        lost.Exit.Should().NotBe(0);
        lost.Error.Should().Contain("the objects are in s3://ctree/test/").And.Contain("objects = ");
        (await ServerCommand.RunAsync("--data", Data, "migrate", "--objects-to", "directory")).Exit.Should().Be((int)ExitCode.Conflict);
    }

    [CephFact]
    public async Task A_backup_holds_what_the_bucket_has_and_is_restored_without_one()
    {
        await InitAsync();
        await DoAsync("migrate", "--objects-to", CephGateway.Shared.NewAddress());
        await PublishAsync(1);
        ForgetCache();
        await DoAsync("backup", _temporary["backups"]);

        await ServerCommand.DoAsync("--data", _temporary["new"], "restore", _temporary["backups"]);

        ServerSettings.Load(_temporary["new"]).Objects.Should().BeNull();
        (await ServerCommand.DoAsync("--data", _temporary["new"], "cat", "stable", "file-7")).Out.Should().Be("1: 7");
    }

    [CephFact]
    public async Task A_web_server_before_it_sends_an_object_again_without_asking()
    {
        await InitAsync();
        await DoAsync("migrate", "--objects-to", CephGateway.Shared.NewAddress());
        await PublishAsync(1);
        var file = Objects().First(name => name.Kind == ObjectKind.File);
        var port = Nginx.FreePort();
        var server = await TestServer.StartAsync(Data);
        Directory.CreateDirectory(_temporary["nginx/cache"]);
        var settings = TestFiles.Block(TestFiles.Page("scale.md"), "## A bucket for the objects", "nginx")
            .Replace("/var/cache/nginx/ctree", _temporary["nginx/cache"], StringComparison.Ordinal)
            .Replace("listen 443 ssl;", $"listen 127.0.0.1:{port};", StringComparison.Ordinal)
            .Replace("http://ctree;", $"{server.Url.TrimEnd('/')};", StringComparison.Ordinal);
        using var nginx = await Nginx.StartAsync(_temporary["nginx"], settings, port);
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        var first = await http.GetByteArrayAsync($"/repo/{file.RelativePath}");
        await server.DisposeAsync();

        (await http.GetByteArrayAsync($"/repo/{file.RelativePath}")).Should().Equal(first);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/repo/{file.RelativePath}");
        request.Headers.Range = new RangeHeaderValue(3, 20);
        using var part = await http.SendAsync(request);
        part.StatusCode.Should().Be(HttpStatusCode.PartialContent);
        (await http.GetAsync("/repo/heads/stable.json")).StatusCode.Should().Be(HttpStatusCode.BadGateway, "what may change is always asked for");
    }

    private async Task KillAsync(string place, Func<Task<bool>> isTime)
    {
        using var program = ServerProcess.Start("--data", Data, "migrate", "--objects-to", place);
        var ended = program.WaitAsync();
        while (!ended.IsCompleted && !await isTime())
            await Task.Delay(1);
        await program.KillAsync();
    }

    private async Task InitAsync()
    {
        await ServerCommand.DoAsync("--data", Data, "init");
        NewSource(0);
    }

    // But for the one that says whose they are.
    private static async Task<IReadOnlyList<string>> KeysAsync(string address) => [.. (await CephGateway.Shared.KeysAsync(address)).Where(key => !key.StartsWith("owner/", StringComparison.Ordinal))];

    private Task<ServerCommand> DoAsync(params string[] args) => ServerCommand.DoAsync(["--data", Data, .. args]);

    private void NewSource(int version)
    {
        Directory.CreateDirectory(Path.Combine(Source, "folder"));
        for (var i = 0; i < Files; i++)
            File.WriteAllText(Path.Combine(Source, $"file-{i}"), $"{version}: {i}");
        var noise = new byte[300_000];
        new Random(version).NextBytes(noise);
        File.WriteAllBytes(Path.Combine(Source, "folder/noise"), noise);
    }

    private async Task PublishAsync(int version)
    {
        NewSource(version);
        await DoAsync("publish", "--branch", "stable", Source);
    }

    private async Task RequireSourceAsync()
    {
        (await DoAsync("fsck")).Error.Should().Contain(" 0 damaged");
        var target = _temporary[$"checkout-{Guid.NewGuid():N}"];
        await DoAsync("checkout", "stable", target);
        Shell.Run($"diff -r {Source} {target}");
    }

    private IReadOnlyList<ObjectName> Objects() => [.. Directory.GetFiles(Path.Combine(Data, "repo/objects"), "*", SearchOption.AllDirectories)
        .Select(file => ObjectName.TryParse(Path.GetFileName(Path.GetDirectoryName(file)) + Path.GetFileName(file), out var name) ? name : throw new InvalidOperationException(file))];

    private bool IsStandIn(ObjectName name)
    {
        using var directory = Posix.OpenDirectory(Path.GetDirectoryName(PathOf(name))!);
        return Posix.StatAt(directory, System.Text.Encoding.ASCII.GetBytes(Path.GetFileName(PathOf(name)))) is { Permissions: 0, Blocks: 0 };
    }

    private string PathOf(ObjectName name) => Path.Combine(Data, "repo", name.RelativePath);

    private void ForgetCache()
    {
        if (Directory.Exists(Path.Combine(Data, "cache/objects")))
            Directory.GetFiles(Path.Combine(Data, "cache/objects"), "*", SearchOption.AllDirectories).ToList().ForEach(File.Delete);
    }
}
