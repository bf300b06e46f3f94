using ContentTree.Store.Objects;

namespace ContentTree.Server.Fleet;

/// <summary>Devices that have one commit and would fetch another.</summary>
/// <param name="From">What they run; null when they have said nothing of it.</param>
internal sealed record FetchNeed(ObjectId? From, ObjectId To, long Devices)
{
    /// <summary>Alike ones as one, those of most devices first; whoever has it already, or will boot it, needs nothing.</summary>
    public static IReadOnlyList<FetchNeed> Of(IEnumerable<(ObjectId? Running, ObjectId? Wanted, ObjectId? Target)> devices) =>
    [
        .. devices.Where(d => d.Target is not null && d.Running != d.Target && d.Wanted != d.Target).GroupBy(d => (d.Running, Target: d.Target.GetValueOrDefault()))
            .Select(g => new FetchNeed(g.Key.Running, g.Key.Target, g.LongCount())).OrderByDescending(n => n.Devices).ThenBy(n => n.From),
    ];
}
