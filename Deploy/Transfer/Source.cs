namespace ContentTree.Deploy.Transfer;

/// <summary>One place that may have what a device wants: its server or a mirror. One that fails rests for a while.</summary>
internal sealed class Source(ServerConnection connection, Backoff backoff, TimeProvider clock) : IDisposable
{
    private readonly Lock _lock = new();
    private int _failures;
    private long _failed;
    private long _restUntil;

    public ServerConnection Connection => connection;

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
