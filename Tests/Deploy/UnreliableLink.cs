using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ContentTree.Tests.Deploy;

/// <summary>
/// What lies between a device and its server: passes every request on, counts it, and spoils answers as a test wants. One request a
/// connection, so that a cut is a cut.
/// </summary>
internal sealed class UnreliableLink : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly HttpClient _upstream = new(new SocketsHttpHandler { AllowAutoRedirect = false, AutomaticDecompression = DecompressionMethods.None });
    private readonly Uri _server;
    private readonly Task _accepting;

    public UnreliableLink(Uri server)
    {
        _server = server;
        _listener.Start();
        Url = $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";
        _accepting = AcceptAsync();
    }

    public string Url { get; }

    /// <summary>Whether the server gives packs through it; without them every object comes alone.</summary>
    public bool HasPacks { get; set; }

    /// <summary>Every request that arrived, in order.</summary>
    public ConcurrentQueue<LinkRequest> Requests { get; } = new();

    /// <summary>Bytes of bodies that were handed to devices.</summary>
    public long BodyBytes;

    /// <summary>Called with each answer before it is passed on; may change it.</summary>
    public Action<LinkRequest, LinkAnswer> Spoil { get; set; } = (_, _) => { };

    public void Reset()
    {
        Spoil = (_, _) => { };
        Requests.Clear();
        Interlocked.Exchange(ref BodyBytes, 0);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _upstream.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptSocketAsync(_stop.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            using (socket)
            await using (var stream = new NetworkStream(socket))
            {
                var (request, body) = await ReadAsync(stream);
                if (request.Path == ContentTree.Store.Protocol.Routes.Packs && !HasPacks)
                {
                    await SendAsync(socket, stream, new LinkAnswer(404, new Dictionary<string, string>(), []));
                    return;
                }
                Requests.Enqueue(request);
                var answer = await AskAsync(request, body);
                Spoil(request, answer);
                await SendAsync(socket, stream, answer);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or HttpRequestException or OperationCanceledException)
        {
        }
    }

    private static async Task<(LinkRequest Request, byte[] Body)> ReadAsync(NetworkStream stream)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(one) == 0)
                throw new IOException("closed");
            head.Append((char)one[0]);
        }
        var lines = head.ToString().Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var headers = lines.Skip(1).Select(line => line.Split(": ", 2)).ToDictionary(pair => pair[0], pair => pair[1], StringComparer.OrdinalIgnoreCase);
        var body = new byte[headers.TryGetValue("Content-Length", out var length) ? int.Parse(length) : 0];
        await stream.ReadExactlyAsync(body);
        var first = lines[0].Split(' ');
        return (new LinkRequest(first[0], first[1], headers), body);
    }

    private async Task<LinkAnswer> AskAsync(LinkRequest request, byte[] body)
    {
        using var message = new HttpRequestMessage(new HttpMethod(request.Method), new Uri(_server, request.Path));
        if (request.Method == "POST")
            message.Content = new ByteArrayContent(body);
        foreach (var (name, value) in request.Headers.Where(h => h.Key is not ("Host" or "Connection" or "Content-Length")))
        {
            if (!message.Headers.TryAddWithoutValidation(name, value))
                message.Content?.Headers.TryAddWithoutValidation(name, value);
        }
        using var response = await _upstream.SendAsync(message, _stop.Token);
        var headers = response.Headers.Concat(response.Content.Headers)
            .Where(h => h.Key is not ("Transfer-Encoding" or "Content-Length" or "Connection"))
            .ToDictionary(h => h.Key, h => string.Join(", ", h.Value));
        return new LinkAnswer((int)response.StatusCode, headers, await response.Content.ReadAsByteArrayAsync(_stop.Token));
    }

    private async Task SendAsync(Socket socket, NetworkStream stream, LinkAnswer answer)
    {
        var head = new StringBuilder($"HTTP/1.1 {answer.Status} {(HttpStatusCode)answer.Status}\r\nContent-Length: {answer.Body.Length}\r\nConnection: close\r\n");
        foreach (var (name, value) in answer.Headers)
            head.Append(name).Append(": ").Append(value).Append("\r\n");
        if (answer.CutAfter != -1)
            await stream.WriteAsync(Encoding.ASCII.GetBytes(head.Append("\r\n").ToString()));
        var count = Math.Min(answer.Body.Length, Math.Max(0, answer.CutAfter ?? int.MaxValue));
        for (var sent = 0; answer.Drips && sent < count - 1; sent++)
        {
            await stream.WriteAsync(answer.Body.AsMemory(sent, 1));
            await Task.Delay(TimeSpan.FromMilliseconds(20), _stop.Token);
        }
        await stream.WriteAsync(answer.Body.AsMemory(answer.Drips ? count - 1 : 0, answer.Drips ? 1 : count));
        Interlocked.Add(ref BodyBytes, count);
        if (answer.Stalls)
            await Task.Delay(Timeout.Infinite, _stop.Token);
        socket.Shutdown(SocketShutdown.Send);
        // Until the other side has read it all and closes: an early close would throw away what is on its way.
        while (await stream.ReadAsync(new byte[1024], _stop.Token) > 0)
        {
        }
    }
}

/// <summary>What a device asked.</summary>
internal sealed record LinkRequest(string Method, string Path, IReadOnlyDictionary<string, string> Headers)
{
    public bool IsObject => Path.StartsWith("/repo/objects/", StringComparison.Ordinal);

    public bool IsContent => IsObject && Path.EndsWith(".file", StringComparison.Ordinal);

    public string? Range => Headers.GetValueOrDefault("Range");
}

/// <summary>What the server answered, to be spoiled.</summary>
internal sealed class LinkAnswer(int status, Dictionary<string, string> headers, byte[] body)
{
    public int Status { get; set; } = status;

    public Dictionary<string, string> Headers { get; set; } = headers;

    public byte[] Body { get; set; } = body;

    /// <summary>The connection ends after so many bytes of the body; -1 before the first byte of all.</summary>
    public int? CutAfter { get; set; }

    /// <summary>A byte comes now and then, for ever.</summary>
    public bool Drips { get; set; }

    /// <summary>Nothing comes any more, and the connection stays.</summary>
    public bool Stalls { get; set; }

    public void Replace(int status, string type, string body)
    {
        Status = status;
        Headers = new Dictionary<string, string> { ["Content-Type"] = type };
        Body = Encoding.UTF8.GetBytes(body);
    }

    /// <summary>Where the body says one thing it says another.</summary>
    public void Say(string old, string now) =>
        Body = Body.AsSpan().IndexOf(Encoding.UTF8.GetBytes(old)) >= 0 ? Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(Body).Replace(old, now, StringComparison.Ordinal)) : Body;

    public void Flip(int at)
    {
        var copy = Body.ToArray();
        copy[at] ^= 0x10;
        Body = copy;
    }
}
