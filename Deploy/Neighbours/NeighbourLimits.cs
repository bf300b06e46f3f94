namespace ContentTree.Deploy.Neighbours;

/// <summary>What neighbours may take of this device: connections, time, and bytes a second for all of them together.</summary>
/// <param name="connections">At a time.</param>
/// <param name="maxRate">Bytes a second; 0: no limit.</param>
internal sealed class NeighbourLimits(int connections, long maxRate, TimeProvider clock)
{
    private const int MaxPiece = 64 * 1024;

    private readonly Lock _lock = new();
    private long _free;

    public int Connections => connections;

    /// <summary>Within this a whole request must have come, also the next one of a connection that waits.</summary>
    public TimeSpan HeadTime { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>What is sent at a time: a slow rate in so small pieces that every connection moves each second.</summary>
    public int PieceBytes => maxRate == 0 ? MaxPiece : (int)Math.Clamp(maxRate / connections, 1024, MaxPiece);

    /// <summary>Within this a piece must have been taken.</summary>
    public TimeSpan PieceTime { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Waits until so many bytes more may be sent.</summary>
    public async Task PassAsync(int bytes, CancellationToken cancellation)
    {
        if (maxRate == 0)
            return;
        TimeSpan wait;
        lock (_lock)
        {
            var now = clock.GetTimestamp();
            wait = clock.GetElapsedTime(now, Math.Max(_free, now));
            _free = Math.Max(_free, now) + (long)(bytes * (double)clock.TimestampFrequency / maxRate);
        }
        if (wait > TimeSpan.Zero)
            await Task.Delay(wait, clock, cancellation).ConfigureAwait(false);
    }
}
