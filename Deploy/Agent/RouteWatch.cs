namespace ContentTree.Deploy.Agent;

/// <summary>Sleeps, and wakes early when a way out of this machine has appeared. A look is two small files of the kernel's.</summary>
internal sealed class RouteWatch
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(5);

    private readonly TimeProvider _clock;
    private readonly string _v4;
    private readonly string _v6;
    private HashSet<string> _known;

    public RouteWatch(TimeProvider clock, string v4 = "/proc/net/route", string v6 = "/proc/net/ipv6_route")
    {
        (_clock, _v4, _v6) = (clock, v4, v6);
        _known = Ways() ?? [];
    }

    /// <param name="wakes">Asked as often; what else is worth waking for.</param>
    /// <returns>True when it was woken by a route that was not there before.</returns>
    public async Task<bool> SleepAsync(TimeSpan pause, Func<bool> wakes, CancellationToken cancellation)
    {
        var start = _clock.GetTimestamp();
        while (pause - _clock.GetElapsedTime(start) is var left && left > TimeSpan.Zero)
        {
            await Task.Delay(left < Look ? left : Look, _clock, cancellation).ConfigureAwait(false);
            if (HasAppeared())
                return true;
            if (wakes())
                return false;
        }
        return HasAppeared();
    }

    private bool HasAppeared()
    {
        if (Ways() is not { } ways)
            return false;
        var isNew = ways.Except(_known).Any();
        _known = ways;
        return isNew;
    }

    private HashSet<string>? Ways()
    {
        try
        {
            return [.. NetworkRoute.Ways(_v4, _v6)];
        }
        catch (IOException)
        {
            return null;
        }
    }
}
