namespace ContentTree.Deploy.Transfer;

/// <summary>One place that may have what a device wants: its server or a mirror. One that fails rests for a while.</summary>
internal sealed class Source(ServerConnection connection, Backoff backoff, TransferGate gate, TimeProvider clock) : IDisposable
{
    private readonly Lock _lock = new();
    private int _failures;
    private long _failed;
    private long _restUntil;

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
                var rest = _failures == 0 ? TimeSpan.Zero : clock.GetElapsedTime(clock.GetTimestamp(), _restUntil);
                return rest > TimeSpan.Zero ? rest : TimeSpan.Zero;
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
            _restUntil = _failed + (long)(backoff.Delay(_failures, asked).TotalSeconds * clock.TimestampFrequency);
        }
    }

    public void Dispose() => connection.Dispose();
}
