using ContentTree.Server.Fleet;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Dashboard;

/// <summary>How the fleet stands, in numbers.</summary>
/// <param name="Branches">By branch, most devices first.</param>
/// <param name="Running">Accepted devices by the commit that they run.</param>
/// <param name="Conflicts">Pending devices that claim a serial which another one has.</param>
internal sealed record FleetCount(IReadOnlyList<BranchCount> Branches, IReadOnlyDictionary<ObjectId, long> Running, long Cloned, long Forked, long Low, long Conflicts)
{
    public long All => Branches.Sum(b => b.All);

    public long Of(Standing standing) => Branches.Sum(b => b.Of(standing));

    /// <summary>Devices that a move of the branch moves.</summary>
    public long Following(BranchName branch) => Branches.FirstOrDefault(b => b.Branch == branch)?.Accepted ?? 0;

    public long RunningAt(ObjectId commit) => Running.GetValueOrDefault(commit);
}

/// <summary>How some devices stand.</summary>
internal abstract record StandingCount(IReadOnlyDictionary<Standing, long> Standings)
{
    public long All => Standings.Values.Sum();

    public long Accepted => All - Of(Standing.Pending) - Of(Standing.Rejected);

    public long Of(Standing standing) => Standings.GetValueOrDefault(standing);
}

/// <summary>How the devices of one branch stand.</summary>
/// <param name="Running">Accepted ones by the commit that they run, most first; null for those who have said nothing of it.</param>
internal sealed record BranchCount(BranchName Branch, IReadOnlyDictionary<Standing, long> Standings, IReadOnlyList<(ObjectId? Commit, long Devices)> Running) : StandingCount(Standings);

/// <summary>How the devices of one group stand.</summary>
internal sealed record GroupCount(GroupName Name, IReadOnlyDictionary<Standing, long> Standings) : StandingCount(Standings);

/// <summary>Counts the fleet and what concerns many of it; of large fleets pages get what was counted a moment ago.</summary>
internal sealed class FleetCounts(DeviceView view, Database database, TimeProvider time)
{
    // So many are counted while somebody waits.
    private const int Quick = 5000;
    private const int ShownGroups = 12;

    private readonly SlowCounts<FleetCount> _fleet = new(time);
    private readonly SlowCounts<IReadOnlyList<RolloutCounts>> _waves = new(time);
    private readonly SlowCounts<IReadOnlyList<BranchName>> _branches = new(time);
    private readonly SlowCounts<IReadOnlyList<GroupCount>> _groups = new(time);

    public FleetCount Read() => _fleet.Read("", () => Count(null), count => count.All > Quick);

    /// <summary>The devices of some groups, counted now; null for all.</summary>
    public FleetCount Read(IReadOnlyList<string>? groups) => groups is null ? Read() : Count(groups);

    /// <summary>The numbers of a rollout's waves. Of one that has gone on since they are counted anew.</summary>
    public IReadOnlyList<RolloutCounts> WavesOf(Rollout rollout) => _waves.Read($"{rollout.Id} {rollout.State} {rollout.Wave} {rollout.Forgiven}", () =>
    {
        using var connection = database.Connect();
        return RolloutBook.Count(connection, rollout, time.GetUtcNow());
    }, waves => waves.Sum(wave => wave.Devices) > Quick);

    /// <summary>The branches that the devices of a group follow, that of most of them first.</summary>
    public IReadOnlyList<BranchName> BranchesOf(Group group) => _branches.Read($"{group.Name}", () =>
    {
        using var connection = database.Connect();
        return PolicyChanges.BranchesOf(connection, new PolicyScope.Group(group.Name));
    }, _ => group.Devices > Quick);

    /// <summary>How the largest groups stand, that of most devices first; null while those of a large fleet are counted for the first time.</summary>
    /// <param name="groups">Only of these; null for all.</param>
    /// <param name="fleet">The count of the same devices.</param>
    public IReadOnlyList<GroupCount>? LargestGroups(IReadOnlyList<string>? groups, FleetCount fleet)
    {
        // It looks at devices one by one and takes ten times as long as the fleet: nobody waits for it, also not after a change.
        return fleet.All > Quick ? _groups.Glance(groups is null ? "" : string.Join(' ', groups.Prepend("of")), Count) : Count();

        IReadOnlyList<GroupCount> Count() => [.. new GroupStandings(database).Largest(ShownGroups, groups).Select(g => new GroupCount(g.Name, g.Standings))];
    }

    /// <summary>Somebody has just changed something and looks for it.</summary>
    public void Forget()
    {
        _fleet.Forget();
        _waves.Forget();
        _branches.Forget();
    }

    private FleetCount Count(IReadOnlyList<string>? groups)
    {
        var kinds = view.Kinds(groups);
        var branches = kinds.GroupBy(k => k.Device.Branch).Select(group => new BranchCount(group.Key,
            group.GroupBy(k => Standings.Of(k.Device)).ToDictionary(g => g.Key, g => g.Sum(k => k.Count)),
            [.. group.Where(k => k.Device.State == Store.Protocol.DeviceState.Accepted).GroupBy(k => k.Device.Running).Select(g => (g.Key, g.Sum(k => k.Count))).OrderByDescending(r => r.Item2)]));
        var running = kinds.Where(k => k.Device is { State: Store.Protocol.DeviceState.Accepted, Running: not null })
            .GroupBy(k => k.Device.Running.GetValueOrDefault()).ToDictionary(g => g.Key, g => g.Sum(k => k.Count));
        return new FleetCount([.. branches.OrderByDescending(b => b.All).ThenBy(b => b.Branch.ToString(), StringComparer.Ordinal)], running,
            kinds.Where(k => k.Device.Cloned is not null).Sum(k => k.Count), kinds.Where(k => k.Device.Fork is not null).Sum(k => k.Count),
            kinds.Where(k => k is { IsLow: true, Device.State: Store.Protocol.DeviceState.Accepted }).Sum(k => k.Count), view.Conflicts(groups));
    }
}
