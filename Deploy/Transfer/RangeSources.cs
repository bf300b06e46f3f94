using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Transfer;

/// <summary>Which sources one download may still use, what each has sent, and when to give up.</summary>
internal sealed class RangeSources(Sources sources, TimeProvider clock)
{
    private const int Strikes = 2;

    private readonly Lock _lock = new();
    private readonly Dictionary<Source, Exception> _leftOut = [];
    private readonly Dictionary<Source, RangeSet> _sent = [];
    private readonly Dictionary<Source, int> _strikes = [];
    private int _failures;
    private long _failed;

    /// <summary>The source for the next request.</summary>
    /// <exception cref="Exception">Why the last one that could be asked is of no use.</exception>
    public async Task<Source> PickAsync(CancellationToken cancellation) =>
        await sources.PickAsync(IsLeftOut, cancellation).ConfigureAwait(false) ?? throw Verdict();

    public bool HasOther(Source source) => sources.All.Any(s => s != source && !IsLeftOut(s));

    public void Moved(Source source, ByteRange range)
    {
        source.Moved();
        lock (_lock)
        {
            _failures = 0;
            if (!_sent.TryGetValue(source, out var sent))
                _sent.Add(source, sent = new RangeSet([]));
            sent.Add(range);
        }
    }

    /// <exception cref="ServerUnreachableException">It was one failure too many, or the only source wants to be left alone.</exception>
    public void Failed(Source source, long begun, ServerUnreachableException failure, bool hasMoved)
    {
        sources.Failed(source, begun, failure);
        lock (_lock)
        {
            // Requests that ran side by side and were cut together count once.
            if (hasMoved || _failed < begun)
                (_failures, _failed) = (hasMoved ? 1 : _failures + 1, clock.GetTimestamp());
            if (_failures >= sources.Attempts || (failure.RetryAfter > Backoff.LongestAsked && !HasOther(source)))
                throw failure;
        }
    }

    public void LeaveOut(Source source, Exception why)
    {
        lock (_lock)
            _leftOut[source] = why;
    }

    /// <exception cref="StoppedException">No source is left.</exception>
    public void Distrust(ByteRange range)
    {
        lock (_lock)
        {
            foreach (var (source, sent) in _sent.Where(s => s.Value.FirstGap(range.From, range.To) != range))
            {
                sent.Remove(range);
                var strikes = _strikes[source] = _strikes.GetValueOrDefault(source) + 1;
                if (strikes >= Strikes || HasOther(source))
                    _leftOut[source] = new WrongSourceException($"{source.Name} sent damaged bytes");
            }
            if (sources.All.All(IsLeftOut))
                throw Verdict();
        }
    }

    private bool IsLeftOut(Source source)
    {
        lock (_lock)
            return _leftOut.ContainsKey(source);
    }

    private Exception Verdict()
    {
        lock (_lock)
        {
            var why = _leftOut[sources.Server];
            return why is WrongSourceException ? new StoppedException(ExitCode.VerificationFailed, why.Message) : why;
        }
    }
}
