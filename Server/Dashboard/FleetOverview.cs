using ContentTree.Server.Backups;
using ContentTree.Server.Fleet;
using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Dashboard;

/// <summary>The numbers of the first page, for programs and terminals.</summary>
internal sealed class FleetOverview(FleetCounts counts, Database database, LastBackup backup, Func<BranchRegister> register, TimeProvider time)
{
    private const int MaxRollouts = 20;

    public OverviewInfo Read()
    {
        var now = time.GetUtcNow();
        var heads = register().List().ToDictionary(b => b.Name);
        var fleet = counts.Read();
        using var connection = database.Connect();
        var rollouts = RolloutBook.Newest(connection).Where(r => r.IsActive).OrderByDescending(r => r.Id).Take(MaxRollouts);
        return new OverviewInfo(now, [.. fleet.Branches.Select(b => Describe(b, heads.GetValueOrDefault(b.Branch)))], fleet.Cloned, fleet.Forked, fleet.Low,
            [.. rollouts.Select(r => RolloutBook.Describe(r, counts.WavesOf(r)))], backup.TooOld);
    }

    private static OverviewBranch Describe(BranchCount count, BranchInfo? head) => new(
        count.Branch, count.All, Enum.GetValues<Standing>().Where(s => count.Of(s) > 0).ToDictionary(Standings.Word, count.Of), head?.Version is { Length: > 0 } version ? version : null, head?.Commit);
}
