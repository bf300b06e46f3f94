using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using ContentTree.Deploy.Neighbours;
using ContentTree.Store.Codecs;

namespace ContentTree.Tests.Deploy;

/// <summary>What strangers on the network may do to a device that serves its neighbours.</summary>
public sealed class NeighbourServerTests : IAsyncLifetime
{
    private const string Small = "content\n";
    private const int LargeBytes = 8_000_000;

    private TestServer _server = null!;
    private TestDevice _device = null!;
    private string _large = "";

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _device = await TestDevice.EnrolledAsync(_server);
        _server.Publish($"echo content > file; head -c {LargeBytes} /dev/urandom > large");
        await _device.UpdateAsync();
        _large = Hash(File.ReadAllBytes(Directory.GetFiles(_device.Layout.Deployments, "large", SearchOption.AllDirectories).Single()));
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    private static string SmallPath => PathOf(Hash(Encoding.UTF8.GetBytes(Small)));

    [Fact]
    public async Task An_object_is_a_frame_with_length_and_tag()
    {
        await using var neighbour = new TestNeighbour(_device);
        using var client = new HttpClient();
        using var answer = await client.GetAsync(neighbour.Url + SmallPath);
        answer.StatusCode.Should().Be(HttpStatusCode.OK);
        answer.Headers.ETag!.IsWeak.Should().BeFalse();
        var frame = await answer.Content.ReadAsByteArrayAsync();
        using var decoder = new Lz4Decoder();
        Encoding.UTF8.GetString(decoder.DecodeFrame(frame, 100)).Should().Be(Small);
        using var head = await client.SendAsync(new HttpRequestMessage(HttpMethod.Head, neighbour.Url + SmallPath));
        head.Content.Headers.ContentLength.Should().Be(frame.Length);
        (await client.GetAsync(neighbour.Url + PathOf(new string('a', 64)))).StatusCode.Should().Be(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_range_is_given_to_who_knows_the_frame()
    {
        await using var neighbour = new TestNeighbour(_device);
        using var client = new HttpClient();
        var whole = await client.GetByteArrayAsync(neighbour.Url + PathOf(_large));
        var tag = $"\"{_large}-stored\"";
        var part = await RangeAsync(client, neighbour, 1_000_000, 2_000_000, tag);
        part.StatusCode.Should().Be(HttpStatusCode.PartialContent);
        part.Content.Headers.ContentRange.Should().Be(new ContentRangeHeaderValue(1_000_000, 2_000_000, whole.Length));
        (await part.Content.ReadAsByteArrayAsync()).Should().Equal(whole[1_000_000..2_000_001]);
        (await RangeAsync(client, neighbour, whole.Length - 1, null, tag)).Content.Headers.ContentLength.Should().Be(1);
        (await RangeAsync(client, neighbour, whole.Length, null, tag)).StatusCode.Should().Be(HttpStatusCode.RequestedRangeNotSatisfiable);
        foreach (var other in new[] { null, $"\"{_large}-12345\"" })
        {
            using var all = await RangeAsync(client, neighbour, 1_000_000, null, other);
            (all.StatusCode, all.Content.Headers.ContentLength).Should().Be((HttpStatusCode.OK, whole.Length));
        }
    }

    [Fact]
    public async Task No_path_leads_to_anything_but_an_object()
    {
        await using var neighbour = new TestNeighbour(_device);
        var id = SmallPath["/repo/objects/".Length..].Replace("/", "", StringComparison.Ordinal);
        string[] paths =
        [
            "/", "/repo", "/repo/", "/repo/objects/", "/repo/objects", "/repo/heads/main.json", "/repo/trust/root.json", "/api/v1/poll", "//repo/objects/x",
            "/repo/objects/../../state/device.pem", "/repo/objects/%2e%2e/%2e%2e/state/device.pem", "/repo/objects/..%2f..%2fstate%2fdevice.pem",
            "/repo/objects/ab/../../../state/device.pem.file", SmallPath.ToUpperInvariant(), SmallPath + "?x", SmallPath + "/", "/" + SmallPath,
            SmallPath.Replace("/repo/objects/", "/repo/objects/./", StringComparison.Ordinal), $"/repo/objects/{id[..2]}/{id}", $"/repo/objects/{id}",
            $"/repo/objects/{id[..3]}/{id[3..]}", SmallPath.Replace(".file", ".tree", StringComparison.Ordinal), SmallPath[..^5] + ".00112233445566778899aabbccddeeff.file",
            SmallPath.Replace('f', '\u00e9'), new string('/', 3000),
        ];
        foreach (var path in paths)
            neighbour.Say($"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").Should().BeOneOf(["HTTP/1.1 404 NotFound", "HTTP/1.1 400 BadRequest"], path);
        neighbour.Say($"GET {SmallPath} HTTP/1.1\r\nHost: x\r\n\r\n").Should().Be("HTTP/1.1 200 OK");
    }

    [Theory]
    [InlineData("POST", "405")]
    [InlineData("PUT", "405")]
    [InlineData("DELETE", "405")]
    [InlineData("OPTIONS", "405")]
    [InlineData("get", "405")]
    [InlineData("CONNECT", "405")]
    public async Task Nothing_but_reading_is_allowed(string method, string status)
    {
        await using var neighbour = new TestNeighbour(_device);
        neighbour.Say($"{method} {SmallPath} HTTP/1.1\r\nHost: x\r\n\r\n").Should().StartWith($"HTTP/1.1 {status}");
    }

    [Theory]
    [InlineData("\r\n\r\n")]
    [InlineData("GET\r\n\r\n")]
    [InlineData("GET PATH\r\n\r\n")]
    [InlineData("GET  PATH HTTP/1.1\r\n\r\n")]
    [InlineData("GET PATH HTTP/2.0\r\n\r\n")]
    [InlineData("GET http://x/PATH HTTP/1.1\r\n\r\n")]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")]
    [InlineData("GET PATH HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello")]
    [InlineData("GET PATH HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("GET PATH HTTP/1.1\r\nRange: bytes=0-\r\nRange: bytes=1-\r\n\r\n")]
    [InlineData("GET PATH HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n")]
    [InlineData("GET PATH HTTP/1.1\r\nHost : x\r\n\r\n")]
    [InlineData("GET PATH HTTP/1.1\r\nno header\r\n\r\n")]
    [InlineData("GET PATH HTTP/1.1\r\nX: a\u0000b\r\n\r\n")]
    [InlineData("GET PATH HTTP/1.1\nHost: x\r\n\r\n")]
    [InlineData("\u0016\u0003\u0001\u0002\u0000\u0001\r\n\r\n")]
    public async Task What_is_no_request_ends_the_connection(string text)
    {
        await using var neighbour = new TestNeighbour(_device);
        neighbour.Say(text.Replace("PATH", SmallPath, StringComparison.Ordinal)).Should().Be("HTTP/1.1 400 BadRequest");
        neighbour.Say($"GET {SmallPath} HTTP/1.0\r\n\r\n").Should().Be("HTTP/1.1 200 OK");
    }

    [Theory]
    [InlineData("bytes=")]
    [InlineData("bytes=-5")]
    [InlineData("bytes=5-2")]
    [InlineData("bytes=0-1,3-4")]
    [InlineData("bytes=99999999999999999999-")]
    [InlineData("bytes=-")]
    [InlineData("lines=1-2")]
    public async Task A_range_that_is_none_is_passed_over(string range)
    {
        await using var neighbour = new TestNeighbour(_device);
        var tag = $"\"{Hash(Encoding.UTF8.GetBytes(Small))}-stored\"";
        neighbour.Say($"GET {SmallPath} HTTP/1.1\r\nRange: {range}\r\nIf-Range: {tag}\r\n\r\n").Should().Be("HTTP/1.1 200 OK");
    }

    [Fact]
    public async Task A_head_without_end_is_refused_and_forgotten()
    {
        await using var neighbour = new TestNeighbour(_device);
        neighbour.Say($"GET {SmallPath} HTTP/1.1\r\nX: {new string('x', 5000)}").Should().BeOneOf("HTTP/1.1 431 RequestHeaderFieldsTooLarge", "");
    }

    [Fact]
    public async Task Requests_may_follow_each_other_and_come_in_one_piece()
    {
        await using var neighbour = new TestNeighbour(_device);
        using var socket = neighbour.Connect();
        var request = $"HEAD {SmallPath} HTTP/1.1\r\nHost: x\r\n\r\n";
        socket.Send(Encoding.ASCII.GetBytes(request + request + request.Replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n", StringComparison.Ordinal) + request));
        Drain(socket).Split("HTTP/1.1 200 OK").Should().HaveCount(4, "after the third nothing is answered");
    }

    [Fact]
    public async Task One_connection_too_many_is_closed_and_others_go_on()
    {
        await using var neighbour = new TestNeighbour(_device, new NeighbourLimits(2, 0, TimeProvider.System));
        using var first = neighbour.Connect();
        using var second = neighbour.Connect();
        Ask(first);
        Ask(second);
        neighbour.Say($"GET {SmallPath} HTTP/1.1\r\n\r\n").Should().BeEmpty();
        first.Dispose();
        await EventuallyAsync(() => neighbour.Say($"GET {SmallPath} HTTP/1.1\r\n\r\n") == "HTTP/1.1 200 OK");
        Ask(second);
    }

    [Fact]
    public async Task Who_is_slow_to_ask_or_to_take_is_cut_off()
    {
        var limits = new NeighbourLimits(1, 0, TimeProvider.System) { HeadTime = TimeSpan.FromMilliseconds(300), PieceTime = TimeSpan.FromMilliseconds(300) };
        await using var neighbour = new TestNeighbour(_device, limits);
        using (var drip = neighbour.Connect())
        {
            await EventuallyAsync(() =>
            {
                try
                {
                    // A byte now and then would be enough for a limit that begins anew with each.
                    return drip.Send("X"u8) == 0 || (drip.Poll(0, SelectMode.SelectRead) && drip.Available == 0);
                }
                catch (SocketException)
                {
                    return true;
                }
            });
        }
        using var deaf = neighbour.Connect();
        deaf.Send(Encoding.ASCII.GetBytes($"GET {PathOf(_large)} HTTP/1.1\r\n\r\n"));
        await EventuallyAsync(() => neighbour.Say($"GET {SmallPath} HTTP/1.1\r\n\r\n") == "HTTP/1.1 200 OK");
        neighbour.Traffic.Bytes.Should().BeLessThan(LargeBytes);
    }

    [Fact]
    public async Task All_neighbours_together_get_no_more_than_the_rate()
    {
        const int rate = 4_000_000;
        await using var neighbour = new TestNeighbour(_device, new NeighbourLimits(16, rate, TimeProvider.System));
        using var client = new HttpClient();
        var begun = System.Diagnostics.Stopwatch.StartNew();
        await Task.WhenAll(client.GetByteArrayAsync(neighbour.Url + PathOf(_large)), client.GetByteArrayAsync(neighbour.Url + PathOf(_large)));
        (neighbour.Traffic.Bytes / begun.Elapsed.TotalSeconds).Should().BeLessThan(rate * 1.1);
    }

    [Fact]
    public async Task A_request_costs_as_much_as_a_kibibyte_whether_or_not_anything_is_sent()
    {
        const int asked = 40;
        await using var neighbour = new TestNeighbour(_device, new NeighbourLimits(4, 20 * 1024, TimeProvider.System));
        using var socket = neighbour.Connect();
        var begun = System.Diagnostics.Stopwatch.StartNew();
        var request = $"GET {PathOf(new string('a', 64))} HTTP/1.1\r\nHost: x\r\n";
        socket.Send(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(request + "\r\n", asked - 1)) + request + "Connection: close\r\n\r\n"));
        Drain(socket).Split("HTTP/1.1 404").Should().HaveCount(asked + 1);
        // The first passes at once.
        begun.Elapsed.Should().BeGreaterThan(TimeSpan.FromSeconds((asked - 1) * 0.95 / 20));
        neighbour.Traffic.Bytes.Should().Be(0);
    }

    private static void Ask(Socket socket)
    {
        socket.Send(Encoding.ASCII.GetBytes($"HEAD {SmallPath} HTTP/1.1\r\nHost: x\r\n\r\n"));
        var buffer = new byte[4096];
        Encoding.ASCII.GetString(buffer, 0, socket.Receive(buffer)).Should().StartWith("HTTP/1.1 200");
    }

    private static string Drain(Socket socket)
    {
        var text = new StringBuilder();
        var buffer = new byte[4096];
        for (int count; (count = socket.Receive(buffer)) > 0;)
            text.Append(Encoding.ASCII.GetString(buffer, 0, count));
        return text.ToString();
    }

    private static async Task EventuallyAsync(Func<bool> isSo)
    {
        for (var tries = 0; !isSo(); tries++)
        {
            tries.Should().BeLessThan(300);
            await Task.Delay(50);
        }
    }

    private async Task<HttpResponseMessage> RangeAsync(HttpClient client, TestNeighbour neighbour, long from, long? to, string? tag)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, neighbour.Url + PathOf(_large));
        request.Headers.Range = new RangeHeaderValue(from, to);
        request.Headers.IfRange = tag is null ? null : new RangeConditionHeaderValue(EntityTagHeaderValue.Parse(tag));
        return await client.SendAsync(request);
    }

    private static string PathOf(string id) => $"/repo/objects/{id[..2]}/{id[2..]}.file";

    private static string Hash(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));
}
