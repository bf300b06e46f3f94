namespace ContentTree.Deploy.Transfer;

/// <summary>Bytes a second over the last ten seconds or so: what a person would call the present rate.</summary>
internal sealed class TransferRate(TimeProvider clock, long bytes)
{
    private static readonly TimeSpan Span = TimeSpan.FromSeconds(10);

    private readonly Queue<(long Time, long Bytes)> _seen = new([(clock.GetTimestamp(), bytes)]);

    /// <summary>The rate, now that so many bytes have come in all.</summary>
    public long At(long bytes)
    {
        while (_seen.Count > 1 && clock.GetElapsedTime(_seen.Peek().Time) > Span)
            _seen.Dequeue();
        var (time, before) = _seen.Peek();
        _seen.Enqueue((clock.GetTimestamp(), bytes));
        var elapsed = clock.GetElapsedTime(time);
        return elapsed > TimeSpan.Zero ? (long)((bytes - before) / elapsed.TotalSeconds) : 0;
    }
}
