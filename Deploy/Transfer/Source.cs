namespace ContentTree.Deploy.Transfer;

/// <summary>One place that may have what a device wants: its server or a mirror. One that fails rests for a while.</summary>
internal sealed class Source(ServerConnection connection, Backoff backoff, TransferGate gate, TimeProvider clock) : IDisposable
{
    private static readonly TimeSpan s_slowRest = TimeSpan.FromMinutes(15);

    private readonly Lock _lock = new();
    private int _failures;
    private long _failed;
    private long _restUntil;
    private long? _slowUntil;

    public ServerConnection Connection => connection;

    /// <summary>A directory costs no network, so nothing limits it.</summary>
    public bool IsDirectory => connection.Server.IsFile;

    /// <summary>As it stands in the configuration.</summary>
    public string Name => connection.Server.AbsoluteUri;

    /// <summary>How long to leave it alone.</summary>
    public TimeSpan Rest
    {
        get
        {
            lock (_lock)
            {
                var rest = _failures == 0 ? TimeSpan.Zero : Until(_restUntil);
                var slow = _slowUntil is { } until ? Until(until) : TimeSpan.Zero;
                return slow > rest ? slow : rest;
            }
        }
    }

    /// <summary>Asks for content.</summary>
    /// <exception cref="PausedException">None may come now.</exception>
    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellation, bool takesRedirect = false)
    {
        if (!IsDirectory)
            gate.RequireOpen();
        return connection.SendAsync(request, cancellation, takesRedirect);
    }

    /// <summary>Hands over content as it arrives, no faster than allowed.</summary>
    public Task ReadAsync(HttpResponseMessage response, Action<ReadOnlyMemory<byte>> take, CancellationToken cancellation) =>
        connection.ReadAsync(response, take, cancellation, IsDirectory ? null : gate);

    /// <summary>A byte came from it.</summary>
    public void Moved()
    {
        lock (_lock)
            _failures = 0;
    }

    /// <summary>It drips: others come first for a while, whatever else it sends meanwhile.</summary>
    public void Slow()
    {
        lock (_lock)
            _slowUntil = clock.GetTimestamp() + Ticks(s_slowRest);
    }

    /// <summary>It failed. Requests that ran side by side and were cut together count once.</summary>
    /// <param name="since">When the request that failed was begun.</param>
    /// <param name="asked">How long it wants to be left alone.</param>
    public void Failed(long since, TimeSpan? asked)
    {
        lock (_lock)
        {
            if (_failures > 0 && _failed >= since)
                return;
            _failures++;
            _failed = clock.GetTimestamp();
            _restUntil = _failed + Ticks(backoff.Delay(_failures, asked));
        }
    }

    public void Dispose() => connection.Dispose();

    private long Ticks(TimeSpan time) => (long)(time.TotalSeconds * clock.TimestampFrequency);

    private TimeSpan Until(long timestamp)
    {
        var left = clock.GetElapsedTime(clock.GetTimestamp(), timestamp);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }
}
