using ContentTree.Store.Objects;

namespace ContentTree.Server.Deltas;

/// <summary>Deltas to be made, each once; what has failed is not taken again. For many threads.</summary>
internal sealed class DeltaQueue
{
    /// <summary>Pairs that wait, at most.</summary>
    public const int Capacity = 64;

    // Beyond this the oldest failures may be tried again.
    private const int MaxFailed = 10_000;

    private readonly Lock _lock = new();
    private readonly LinkedList<DeltaPair> _waiting = [];
    private readonly Queue<DeltaPair> _failedInOrder = [];
    private readonly HashSet<DeltaPair> _failed = [];
    private DeltaPair? _running;

    public DeltaQueueing TryAdd(DeltaPair pair)
    {
        lock (_lock)
        {
            if (_failed.Contains(pair))
                return DeltaQueueing.Failed;
            if (_running == pair || _waiting.Contains(pair))
                return DeltaQueueing.Queued;
            if (_waiting.Count >= Capacity)
                return DeltaQueueing.Full;
            _waiting.AddLast(pair);
            return DeltaQueueing.Queued;
        }
    }

    /// <summary>The pair that waits for longest, or null. It counts as queued until <see cref="Finish"/>.</summary>
    public DeltaPair? Take()
    {
        lock (_lock)
        {
            _running = _waiting.First?.Value;
            if (_running is not null)
                _waiting.RemoveFirst();
            return _running;
        }
    }

    public void Finish(DeltaPair pair, bool hasFailed)
    {
        lock (_lock)
        {
            _running = null;
            if (!hasFailed || !_failed.Add(pair))
                return;
            _failedInOrder.Enqueue(pair);
            if (_failed.Count > MaxFailed)
                _failed.Remove(_failedInOrder.Dequeue());
        }
    }
}

/// <summary>From which commit to which; <paramref name="From"/> is null for none.</summary>
internal sealed record DeltaPair(ObjectId? From, ObjectId To);

/// <summary>What became of a wish for a delta.</summary>
internal enum DeltaQueueing
{
    /// <summary>It will be made.</summary>
    Queued,

    /// <summary>Too many wait.</summary>
    Full,

    /// <summary>It could not be made.</summary>
    Failed,
}
