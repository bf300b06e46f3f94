using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>The repository over HTTP, as devices, caches and people with curl see it.</summary>
public sealed class RepositoryServingTests
{
    [Fact]
    public async Task An_object_comes_as_a_frame_that_lz4_and_sha256sum_confirm()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("hello", "hello, device\n");
        server.Publish();
        var id = ObjectId.Of("hello, device\n"u8);
        var frame = await server.Http.GetByteArrayAsync(Routes.RepositoryObject(new ObjectName(ObjectKind.File, id)));
        File.WriteAllBytes(server["frame"], frame);
        Shell.Run($"lz4 -dc '{server["frame"]}' | sha256sum").Should().StartWith(id.ToString());
    }

    [Fact]
    public async Task Objects_may_be_cached_for_ever_and_resumed()
    {
        await using var server = await TestServer.StartAsync();
        File.WriteAllBytes(Path.Combine(server.Source, "noise"), RandomNumberGenerator.GetBytes(300_000));
        server.Publish();
        var id = ObjectId.Of(File.ReadAllBytes(Path.Combine(server.Source, "noise")));
        var route = Routes.RepositoryObject(new ObjectName(ObjectKind.File, id));

        using var whole = await server.Http.GetAsync(route);
        var frame = await whole.Content.ReadAsByteArrayAsync();
        whole.Headers.CacheControl!.ToString().Should().Contain("immutable").And.Contain("max-age=31536000").And.Contain("public");
        whole.Headers.ETag!.Tag.Should().Be($"\"{id}-{frame.Length}\"");
        whole.Headers.ETag.IsWeak.Should().BeFalse();

        using var rest = new HttpRequestMessage(HttpMethod.Get, route);
        rest.Headers.Range = new RangeHeaderValue(200_000, null);
        rest.Headers.IfRange = new RangeConditionHeaderValue(whole.Headers.ETag);
        using var partial = await server.Http.SendAsync(rest);
        partial.StatusCode.Should().Be(HttpStatusCode.PartialContent);
        (await partial.Content.ReadAsByteArrayAsync()).Should().Equal(frame[200_000..]);

        using var known = new HttpRequestMessage(HttpMethod.Get, route);
        known.Headers.IfNoneMatch.Add(whole.Headers.ETag);
        (await server.Http.SendAsync(known)).StatusCode.Should().Be(HttpStatusCode.NotModified);

        using var beyond = new HttpRequestMessage(HttpMethod.Get, route);
        beyond.Headers.Range = new RangeHeaderValue(frame.Length, null);
        (await server.Http.SendAsync(beyond)).StatusCode.Should().Be(HttpStatusCode.RequestedRangeNotSatisfiable);

        using var head = await server.SendAsync(HttpMethod.Head, route);
        head.Content.Headers.ContentLength.Should().Be(frame.Length);
    }

    [Fact]
    public async Task A_head_changes_its_tag_when_the_branch_moves_and_is_asked_for_each_time()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        server.Publish("stable/amd64");
        var route = Routes.Head(BranchName.Parse("stable/amd64"));
        using var first = await server.Http.GetAsync(route);
        first.Headers.CacheControl!.NoCache.Should().BeTrue();

        using var unchanged = new HttpRequestMessage(HttpMethod.Get, route);
        unchanged.Headers.IfNoneMatch.Add(first.Headers.ETag!);
        (await server.Http.SendAsync(unchanged)).StatusCode.Should().Be(HttpStatusCode.NotModified);

        server.WriteSource("file", "two");
        var published = server.Publish("stable/amd64");
        using var moved = new HttpRequestMessage(HttpMethod.Get, route);
        moved.Headers.IfNoneMatch.Add(first.Headers.ETag!);
        var bytes = await (await server.Http.SendAsync(moved)).Content.ReadAsByteArrayAsync();
        var root = TrustRoot.Load(await server.Http.GetByteArrayAsync(Routes.TrustRoot));
        root.VerifyHead(bytes, BranchName.Parse("stable/amd64")).Commit.Should().Be(published.Commit);
    }

    [Fact]
    public async Task Archived_heads_and_roots_are_served_under_their_one_name()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        server.Publish("a/b");
        var branch = BranchName.Parse("a/b");
        var archived = await server.Http.GetAsync(Routes.ArchivedHead(branch, 1));
        archived.Headers.CacheControl!.ToString().Should().Contain("no-cache", "its signatures may change");
        (await archived.Content.ReadAsByteArrayAsync()).Should().Equal(await server.Http.GetByteArrayAsync(Routes.Head(branch)));
        (await server.Http.GetByteArrayAsync(Routes.TrustRootVersion(1))).Should().Equal(await server.Http.GetByteArrayAsync(Routes.TrustRoot));
        foreach (var other in new[] { "/repo/history/a/b/01.json", "/repo/history/a/b/2.json", "/repo/history/a/b/+1.json", "/repo/trust/01.root.json", "/repo/trust/2.root.json" })
            await (await server.Http.GetAsync(other)).ShouldBeProblemAsync(ProblemCode.NotFound);
    }

    [Theory]
    [InlineData("DELETE", Routes.Poll, "POST")]
    [InlineData("GET", Routes.PublishHeads, "POST")]
    [InlineData("PATCH", Routes.Devices, "GET")]
    [InlineData("POST", "/repo/trust/root.json", "GET, HEAD")]
    public async Task A_wrong_method_is_told_with_the_right_ones(string method, string route, string allowed)
    {
        await using var server = await TestServer.StartAsync();
        using var answer = await server.SendAsync(new HttpMethod(method), route);
        answer.Content.Headers.Allow.Should().BeEquivalentTo(allowed.Split(", "));
        await answer.ShouldBeProblemAsync(ProblemCode.BadMethod);
    }

    [Theory]
    [InlineData("/api/v1/devices")]
    [InlineData("/api/v1/nothing")]
    [InlineData("/repo/heads/none.json")]
    [InlineData("/healthz")]
    public async Task No_cache_keeps_what_may_change(string route)
    {
        await using var server = await TestServer.StartAsync();
        using var answer = await server.SendAsync(HttpMethod.Get, route, token: server.Admin);
        answer.Headers.CacheControl!.NoStore.Should().BeTrue();
    }

    // Sent on a socket, because clients tidy such paths up before anybody sees them.
    [Theory]
    [InlineData("/repo/../keys/release.pem")]
    [InlineData("/repo/objects/../../keys/release.pem")]
    [InlineData("/repo/heads/../../keys/release.pem")]
    [InlineData("/repo/heads/%2e%2e/%2e%2e/keys/release.pem")]
    [InlineData("/repo/heads/..%2f..%2fkeys%2frelease.pem")]
    [InlineData("/repo/history/../../../server.db")]
    [InlineData("/repo/trust/..%2f..%2fserver.db")]
    [InlineData("/repo/trust/%2e%2e/%2e%2e/server.db")]
    [InlineData("/repo/objects/ab/..%2f..%2f..%2fserver.db")]
    [InlineData("/repo/objects/%00/x.file")]
    [InlineData("/repo/staging/")]
    [InlineData("/repo/lock")]
    [InlineData("/repo/heads.lock")]
    [InlineData("/repo/trust.lock")]
    [InlineData("/repo/heads/")]
    [InlineData("/repo/objects/")]
    [InlineData("/repo/heads//stable.json")]
    [InlineData("/repo/heads/-stable.json")]
    [InlineData("//repo/heads/stable.json")]
    [InlineData("/server.db")]
    [InlineData("/keys/release.pem")]
    public async Task No_path_leads_out_of_what_is_served(string path)
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        server.Publish();
        var answer = await SendRawAsync(server, $"GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        answer.Should().MatchRegex("^HTTP/1.1 40[04] ").And.NotContain("PRIVATE KEY").And.NotContain("SQLite format").And.NotContain("signatures");
    }

    [Fact]
    public async Task Absurd_requests_are_refused_without_being_read()
    {
        await using var server = await TestServer.StartAsync();
        (await SendRawAsync(server, $"GET /{new string('a', 10_000)} HTTP/1.1\r\nHost: test\r\n\r\n")).Should().StartWith("HTTP/1.1 414 ");
        var headers = string.Concat(Enumerable.Range(0, 100).Select(i => $"X-{i}: y\r\n"));
        (await SendRawAsync(server, $"GET /healthz HTTP/1.1\r\nHost: test\r\n{headers}\r\n")).Should().StartWith("HTTP/1.1 431 ");
        (await SendRawAsync(server, $"GET /healthz HTTP/1.1\r\nHost: test\r\nX: {new string('y', 20_000)}\r\n\r\n")).Should().StartWith("HTTP/1.1 431 ");
        (await server.Http.GetStringAsync("/healthz")).Should().Be("ok\n");
    }

    private static async Task<string> SendRawAsync(TestServer server, string request)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, new Uri(server.Url).Port);
        await using var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request));
        using var reader = new StreamReader(stream, Encoding.Latin1);
        return await reader.ReadToEndAsync();
    }
}
