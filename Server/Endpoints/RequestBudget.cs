namespace ContentTree.Server.Endpoints;

/// <summary>So many requests of each of those who ask in each stretch of time.</summary>
internal sealed class RequestBudget<T>(TimeProvider time, int most = 10)
    where T : notnull
{
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<T, int> _used = [];
    private DateTimeOffset _begin;

    /// <summary>Counts a request; false when it is one too many.</summary>
    public bool TryTake(T who)
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            // One stretch for all: nothing has to be swept. A clock that was set back begins another too.
            if (now - _begin >= Window || now < _begin)
            {
                _used.Clear();
                _begin = now;
            }
            var used = _used.GetValueOrDefault(who);
            _used[who] = used + 1;
            return used < most;
        }
    }
}
