using System.Diagnostics;

namespace ContentTree.Server.Dashboard;

/// <summary>
/// Counts of what may be large. Of what is, pages get the last count and the next one is made beside them: nobody waits, and counting takes a
/// small share of a processor, however many look. What is small is counted whenever somebody asks.
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

    /// <param name="name">What is counted.</param>
    /// <param name="count">Counts it; also beside the one who asks.</param>
    /// <param name="isLarge">Whether such a count may be shown again.</param>
    public T Read(string name, Func<T> count, Func<T, bool> isLarge)
    {
        lock (_lock)
        {
            if (_known.TryGetValue(name, out var known) && time.GetUtcNow() - known.At is var age && age < TooOld)
            {
                if (age > TimeSpan.FromTicks(Math.Max(Fresh.Ticks, Share * known.Took.Ticks)) && !known.IsCounting)
                {
                    known.IsCounting = true;
                    _ = Task.Run(() => CountAgain(name, known, count, isLarge));
                }
                return known.Last;
            }
        }
        return Count(name, count, isLarge);
    }

    /// <summary>Somebody has just changed something and looks for it.</summary>
    public void Forget()
    {
        lock (_lock)
            _known.Clear();
    }

    private void CountAgain(string name, Known known, Func<T> count, Func<T, bool> isLarge)
    {
        try
        {
            Count(name, count, isLarge);
        }
        finally
        {
            lock (_lock)
                known.IsCounting = false;
        }
    }

    private T Count(string name, Func<T> count, Func<T, bool> isLarge)
    {
        var start = Stopwatch.GetTimestamp();
        var counted = count();
        lock (_lock)
        {
            if (_known.Count >= MaxKept && !_known.ContainsKey(name))
                _known.Remove(_known.MinBy(k => k.Value.At).Key);
            if (isLarge(counted))
                _known[name] = new Known(counted, time.GetUtcNow(), Stopwatch.GetElapsedTime(start));
            else
                _known.Remove(name);
        }
        return counted;
    }

    private sealed class Known(T last, DateTimeOffset at, TimeSpan took)
    {
        public T Last => last;

        public DateTimeOffset At => at;

        public TimeSpan Took => took;

        public bool IsCounting { get; set; }
    }
}
