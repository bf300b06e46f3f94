using ContentTree.Server.Backups;
using ContentTree.Server.Endpoints;
using ContentTree.Server.Fleet;
using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Server.Monitoring;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Dashboard.Pages;

/// <summary>The first page: how the fleet stands, what wants a person, what was published last.</summary>
internal sealed class OverviewPages(Gate gate, PageRenderer renderer, FleetCounts counts, Database database, LastBackup backup, Events events, Func<BranchRegister> register, TimeProvider time)
{
    private const int ShownDevices = 10;
    private const int ShownPublishes = 10;
    private const int ShownBranches = 12;
    private const int ShownRollouts = 5;
    private static readonly TimeSpan TroubleTime = TimeSpan.FromDays(2);

    internal sealed record Publish(BranchName Branch, BranchPositionInfo Position);

    internal sealed record Overview(
        FleetCount Fleet, IReadOnlyList<BranchInfo> Branches, IReadOnlyList<(KeyId Device, string Name, ReportEvent Event)> Troubles,
        IReadOnlyList<Publish> Publishes, IReadOnlyList<(Rollout Rollout, IReadOnlyList<RolloutCounts> Waves)> Rollouts, long Groups, IReadOnlyList<GroupCount>? LargestGroups, DateTimeOffset? OldBackup, IReadOnlyList<TrafficHour> Traffic)
    {
        public BranchInfo? Find(BranchName name) => Branches.FirstOrDefault(b => b.Name == name);
    }

    public void Map(IEndpointRouteBuilder routes) => routes.MapGet("/", gate.GroupPage(visitor => renderer.ShowAsync<OverviewPage>(visitor, Read(visitor.Limit))));

    private Overview Read(GroupLimit limit)
    {
        var (now, fleet) = (time.GetUtcNow(), counts.Read(limit.Groups));
        // Of branches somebody with a limit sees where his devices' are, and nothing of how they came there.
        var known = register();
        var branches = known.List().Where(b => limit.IsWhole || fleet.Branches.Any(own => own.Branch == b.Name)).ToArray();
        var newest = branches.Where(b => limit.IsWhole).Where(b => b.Created is not null).OrderByDescending(b => b.Created).Take(ShownBranches)
            .SelectMany(b => known.History(b.Name, ShownPublishes).Select(p => new Publish(b.Name, p)))
            .OrderByDescending(p => p.Position.Created).Take(ShownPublishes).ToArray();
        using var connection = database.Connect();
        var rollouts = RolloutBook.Newest(connection).Where(r => r.IsActive && limit.Covers(r.Scope)).OrderByDescending(r => r.Id).Take(ShownRollouts).Select(r => (r, counts.WavesOf(r))).ToArray();
        return new Overview(fleet, branches, events.NewestTrouble(now - TroubleTime, now, ShownDevices, limit.Groups),
            newest, rollouts, limit.Groups?.Count ?? connection.Query("SELECT count(*) FROM groups", row => row.GetInt64(0))[0], counts.LargestGroups(limit.Groups, fleet),
            limit.IsWhole ? backup.TooOld : null, limit.IsWhole ? new TrafficBook(database).LastDay(now) : []);
    }
}
