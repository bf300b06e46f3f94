namespace ContentTree.Server.Dashboard;

/// <summary>
/// Counts of what may be large. Of what is, pages get the last count and the next one is made beside them: nobody waits, and counting takes a
/// small share of a processor, however many look. What is small is counted whenever somebody asks. All who have to wait for a count wait for the same one.
/// </summary>
internal sealed class SlowCounts<T>(TimeProvider time)
    where T : class
{
    private const int Share = 60;
    private const int MaxKept = 100;
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan TooOld = TimeSpan.FromMinutes(2);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Known> _known = [];
    private readonly Dictionary<string, Lazy<T>> _underWay = [];
    private long _generation;

    /// <param name="name">What is counted.</param>
    /// <param name="count">Counts it; also beside the one who asks.</param>
    /// <param name="isLarge">Whether such a count may be shown again.</param>
    public T Read(string name, Func<T> count, Func<T, bool> isLarge)
    {
        Lazy<T> counting;
        lock (_lock)
        {
            var isUnderWay = _underWay.TryGetValue(name, out var present);
            if (_known.TryGetValue(name, out var known) && time.GetElapsedTime(known.At) is var age && age < TooOld)
            {
                if (age > Pause(known.Took) && !isUnderWay)
                {
                    var next = Begin(name, count, isLarge);
                    _ = Task.Run(() => next.Value);
                }
                return known.Last;
            }
            counting = present ?? Begin(name, count, isLarge);
        }
        return counting.Value;
    }

    /// <summary>The last count of what is large, for whoever would rather have none than wait: null while there is none, or only an old one. The next one is made beside him.</summary>
    public T? Glance(string name, Func<T> count)
    {
        lock (_lock)
        {
            var age = _known.TryGetValue(name, out var known) ? time.GetElapsedTime(known.At) : TimeSpan.MaxValue;
            if (!_underWay.ContainsKey(name) && (known is null || age > Pause(known.Took)))
            {
                var next = Begin(name, count, _ => true);
                _ = Task.Run(() => next.Value);
            }
            return age < TooOld ? known?.Last : null;
        }
    }

    /// <summary>Somebody has just changed something and looks for it: what is being counted now may be from before that, and is nobody's after this.</summary>
    public void Forget()
    {
        lock (_lock)
        {
            _generation++;
            _known.Clear();
            _underWay.Clear();
        }
    }

    // Where counting takes long the share is larger: a count must be there before the last one is too old to be shown.
    private static TimeSpan Pause(TimeSpan took) => TimeSpan.FromTicks(Math.Max(Fresh.Ticks, Math.Min(Share * took.Ticks, TooOld.Ticks / 2)));

    // Under the lock.
    private Lazy<T> Begin(string name, Func<T> count, Func<T, bool> isLarge)
    {
        var generation = _generation;
        return _underWay[name] = new Lazy<T>(() => Count(name, generation, count, isLarge));
    }

    private T Count(string name, long generation, Func<T> count, Func<T, bool> isLarge)
    {
        T? counted = null;
        var start = time.GetTimestamp();
        try
        {
            return counted = count();
        }
        finally
        {
            lock (_lock)
            {
                if (generation == _generation)
                {
                    _underWay.Remove(name);
                    if (counted is not null)
                        Keep(name, counted, start, isLarge(counted));
                }
            }
        }
    }

    private void Keep(string name, T counted, long start, bool isLarge)
    {
        if (_known.Count >= MaxKept && !_known.ContainsKey(name))
            _known.Remove(_known.MinBy(k => k.Value.At).Key);
        var now = time.GetTimestamp();
        if (isLarge)
            _known[name] = new Known(counted, now, time.GetElapsedTime(start, now));
        else
            _known.Remove(name);
    }

    private sealed record Known(T Last, long At, TimeSpan Took);
}
