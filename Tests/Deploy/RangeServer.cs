using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ContentTree.Tests.Deploy;

/// <summary>A web server with one file, behind a link as bad as a test wants. Counts what leaves it, byte by byte.</summary>
internal sealed class RangeServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly Task _accepting;
    private long _freeAt = Stopwatch.GetTimestamp();
    private int _sending;

    public RangeServer(byte[] content)
    {
        Content = content;
        _listener.Start();
        Url = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");
        _accepting = AcceptAsync();
    }

    public Uri Url { get; }

    public byte[] Content { get; set; }

    public string? Tag { get; set; } = "\"one\"";

    /// <summary>Answers every request with the whole file.</summary>
    public bool IgnoresRanges { get; set; }

    /// <summary>Instead of an answer of ours.</summary>
    public string? Instead { get; set; }

    /// <summary>Bytes a second of one connection and of all together; 0: no limit.</summary>
    public long RateEach { get; set; }

    public long RateTotal { get; set; }

    /// <summary>Each connection is cut after so many bytes of bodies; 0: never.</summary>
    public long CutEvery { get; set; }

    /// <summary>While this is false nothing passes, in silence.</summary>
    public Func<bool> IsUp { get; set; } = () => true;

    /// <summary>Called with the number of body bytes so far, before each piece.</summary>
    public Action<long> Sending { get; set; } = _ => { };

    /// <summary>Bytes of bodies that were handed to the network.</summary>
    public long BodyBytes;

    public int Connections;

    public int Cuts;

    /// <summary>The most bodies that were on their way side by side, since it was last set to 0.</summary>
    public int PeakSending;

    public ConcurrentQueue<string> Ranges { get; } = new();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
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
        Interlocked.Increment(ref Connections);
        using (socket)
        {
            try
            {
                await using var stream = new NetworkStream(socket);
                using var reader = new StreamReader(stream, Encoding.ASCII, false, 1, leaveOpen: true);
                for (long sent = 0; await ReadAsync(reader) is { } headers;)
                    sent = await AnswerAsync(socket, stream, headers, sent);
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
            {
            }
        }
    }

    private async Task<Dictionary<string, string>?> ReadAsync(StreamReader reader)
    {
        if (await reader.ReadLineAsync(_stop.Token) is null)
            return null;
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        while (await reader.ReadLineAsync(_stop.Token) is { Length: > 0 } line)
            headers[line[..line.IndexOf(':')]] = line[(line.IndexOf(':') + 1)..].Trim();
        return headers;
    }

    private async Task<long> AnswerAsync(Socket socket, NetworkStream stream, Dictionary<string, string> headers, long sent)
    {
        var asked = headers.GetValueOrDefault("Range");
        Ranges.Enqueue(asked ?? "");
        if (Instead is { } other)
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(other), _stop.Token);
            throw new IOException("said something else");
        }
        var (from, to) = (0L, Content.Length - 1L);
        var isPart = asked is not null && !IgnoresRanges && headers.GetValueOrDefault("If-Range", Tag ?? "") == (Tag ?? "");
        if (isPart)
        {
            var numbers = asked!["bytes=".Length..].Split('-');
            from = long.Parse(numbers[0], CultureInfo.InvariantCulture);
            to = Math.Min(to, numbers[1].Length > 0 ? long.Parse(numbers[1], CultureInfo.InvariantCulture) : to);
        }
        var status = isPart ? from > to ? "416 no" : "206 part" : "200 all";
        var head = $"HTTP/1.1 {status}\r\nContent-Length: {Math.Max(0, to - from + 1)}\r\n";
        if (isPart)
            head += from > to ? $"Content-Range: bytes */{Content.Length}\r\n" : $"Content-Range: bytes {from}-{to}/{Content.Length}\r\n";
        if (Tag is not null)
            head += $"ETag: {Tag}\r\n";
        await UpAsync();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head + "\r\n"), _stop.Token);
        return await SendAsync(socket, stream, from, to + 1, sent);
    }

    private async Task<long> SendAsync(Socket socket, NetworkStream stream, long from, long to, long sent)
    {
        var content = Content;
        var now = Interlocked.Increment(ref _sending);
        lock (_lock)
            PeakSending = Math.Max(PeakSending, now);
        try
        {
            var free = Stopwatch.GetTimestamp();
            for (; from < to; from = Math.Min(to, from + 4096))
            {
                var count = (int)Math.Min(4096, to - from);
                Sending(Interlocked.Read(ref BodyBytes));
                free = await PaceAsync(count, free);
                await UpAsync();
                // Whoever gave the connection up while the link was down gets no more.
                if (socket.Poll(0, SelectMode.SelectRead) && socket.Available == 0)
                    throw new IOException("gone");
                if (CutEvery > 0 && sent + count > CutEvery)
                {
                    Interlocked.Increment(ref Cuts);
                    // Lingering for no time sends a reset.
                    socket.LingerState = new LingerOption(true, 0);
                    socket.Close();
                    throw new IOException("cut");
                }
                await stream.WriteAsync(content.AsMemory((int)from, count), _stop.Token);
                Interlocked.Add(ref BodyBytes, count);
                sent += count;
            }
            return sent;
        }
        finally
        {
            Interlocked.Decrement(ref _sending);
        }
    }

    private async Task<long> PaceAsync(int count, long free)
    {
        var now = Stopwatch.GetTimestamp();
        if (RateEach > 0)
            free = Math.Max(free, now) + count * Stopwatch.Frequency / RateEach;
        var at = free;
        if (RateTotal > 0)
        {
            lock (_lock)
                at = _freeAt = Math.Max(_freeAt, now) + count * Stopwatch.Frequency / RateTotal;
        }
        var wait = Stopwatch.GetElapsedTime(now, Math.Max(at, RateEach > 0 ? free : 0));
        if (wait > TimeSpan.FromMilliseconds(1))
            await Task.Delay(wait, _stop.Token);
        return free;
    }

    private async Task UpAsync()
    {
        while (!IsUp())
            await Task.Delay(5, _stop.Token);
    }
}
