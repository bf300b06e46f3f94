namespace ContentTree.Deploy.Transfer;

/// <summary>Cancels what it guards when nothing has moved for a while; the whole may take for ever.</summary>
internal sealed class StallGuard : IDisposable
{
    private readonly TimeSpan _patience;
    private readonly CancellationToken _outer;
    private readonly CancellationTokenSource _source;

    public StallGuard(TimeSpan patience, CancellationToken cancellation)
    {
        _patience = patience;
        _outer = cancellation;
        _source = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Moved();
    }

    public CancellationToken Token => _source.Token;

    /// <summary>Whether it was the guard that cancelled, and not the caller.</summary>
    public bool HasStalled => _source.IsCancellationRequested && !_outer.IsCancellationRequested;

    /// <summary>Nothing is waited for.</summary>
    public void Rest() => _source.CancelAfter(Timeout.InfiniteTimeSpan);

    public void Moved() => _source.CancelAfter(_patience);

    /// <summary>From now on so much is waited and no longer.</summary>
    public void Wait(TimeSpan patience) => _source.CancelAfter(patience > TimeSpan.Zero ? patience : TimeSpan.Zero);

    public void Dispose() => _source.Dispose();
}
