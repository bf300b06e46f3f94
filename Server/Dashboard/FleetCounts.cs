using System.Diagnostics;
using ContentTree.Server.Fleet;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Dashboard;

/// <summary>How the fleet stands, in numbers.</summary>
/// <param name="Branches">By branch, most devices first.</param>
/// <param name="Running">Accepted devices by the commit that they run.</param>
internal sealed record FleetCount(IReadOnlyList<BranchCount> Branches, IReadOnlyDictionary<ObjectId, long> Running, long Cloned, long Forked, long Low)
{
    public long All => Branches.Sum(b => b.All);

    public long Of(Standing standing) => Branches.Sum(b => b.Of(standing));

    /// <summary>Devices that a move of the branch moves.</summary>
    public long Following(BranchName branch) => Branches.FirstOrDefault(b => b.Branch == branch)?.Accepted ?? 0;

    public long RunningAt(ObjectId commit) => Running.GetValueOrDefault(commit);
}

/// <summary>How the devices of one branch stand.</summary>
internal sealed record BranchCount(BranchName Branch, IReadOnlyDictionary<Standing, long> Standings)
{
    public long All => Standings.Values.Sum();

    public long Accepted => All - Of(Standing.Pending) - Of(Standing.Rejected);

    public long Of(Standing standing) => Standings.GetValueOrDefault(standing);
}

/// <summary>
/// Counts the fleet. Where that takes long, pages get the last count and the next one is made beside them: a large fleet never stands still
/// while somebody looks.
/// </summary>
internal sealed class FleetCounts(DeviceView view, TimeProvider time)
{
    // So many are counted while somebody waits.
    private const int Quick = 5000;
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(3);
    // Counting takes a sixtieth of a processor, however many look.
    private const int Share = 60;
    private static readonly TimeSpan TooOld = TimeSpan.FromMinutes(2);

    private readonly Lock _lock = new();
    private FleetCount? _last;
    private DateTimeOffset _at;
    private TimeSpan _took;
    private bool _isCounting;

    public FleetCount Read()
    {
        lock (_lock)
        {
            var age = time.GetUtcNow() - _at;
            if (_last is { } known && known.All > Quick && age < TooOld)
            {
                if (age > TimeSpan.FromTicks(Math.Max(Fresh.Ticks, Share * _took.Ticks)) && !_isCounting)
                {
                    _isCounting = true;
                    _ = Task.Run(Count);
                }
                return known;
            }
        }
        return Count();
    }

    /// <summary>The devices of some groups, counted now; null for all.</summary>
    public FleetCount Read(IReadOnlyList<string>? groups) => groups is null ? Read() : Sum(view.Kinds(groups));

    /// <summary>Somebody has just changed something and looks for it.</summary>
    public void Forget()
    {
        lock (_lock)
            _last = null;
    }

    private FleetCount Count()
    {
        try
        {
            var start = Stopwatch.GetTimestamp();
            var count = Sum(view.Kinds());
            lock (_lock)
                (_last, _at, _took) = (count, time.GetUtcNow(), Stopwatch.GetElapsedTime(start));
            return count;
        }
        finally
        {
            lock (_lock)
                _isCounting = false;
        }
    }

    private static FleetCount Sum(IReadOnlyList<DeviceKind> kinds)
    {
        var branches = kinds.GroupBy(k => k.Device.Branch).Select(group => new BranchCount(group.Key,
            group.GroupBy(k => Standings.Of(k.Device)).ToDictionary(g => g.Key, g => g.Sum(k => k.Count))));
        var running = kinds.Where(k => k.Device is { State: Store.Protocol.DeviceState.Accepted, Running: not null })
            .GroupBy(k => k.Device.Running.GetValueOrDefault()).ToDictionary(g => g.Key, g => g.Sum(k => k.Count));
        return new FleetCount([.. branches.OrderByDescending(b => b.All).ThenBy(b => b.Branch.ToString(), StringComparer.Ordinal)], running,
            kinds.Where(k => k.Device.Cloned is not null).Sum(k => k.Count), kinds.Where(k => k.Device.Fork is not null).Sum(k => k.Count),
            kinds.Where(k => k is { IsLow: true, Device.State: Store.Protocol.DeviceState.Accepted }).Sum(k => k.Count));
    }
}
