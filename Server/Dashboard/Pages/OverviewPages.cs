using ContentTree.Server.Fleet;
using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Dashboard.Pages;

/// <summary>The first page: how the fleet stands, what wants a person, what was published last.</summary>
internal sealed class OverviewPages(Gate gate, PageRenderer renderer, FleetCounts counts, DeviceView view, Database database, Events events, Func<BranchRegister> register, TimeProvider time)
{
    private const int ShownDevices = 10;
    private const int ShownPublishes = 10;
    private const int ShownBranches = 12;
    private const int ShownRollouts = 5;
    private static readonly TimeSpan TroubleTime = TimeSpan.FromDays(2);

    internal sealed record Publish(BranchName Branch, BranchPositionInfo Position);

    internal sealed record Overview(
        FleetCount Fleet, IReadOnlyList<BranchInfo> Branches, IReadOnlyList<(KeyId Device, string Name, ReportEvent Event)> Troubles,
        IReadOnlyList<DeviceInfo> Pending, IReadOnlyList<Publish> Publishes, IReadOnlyList<(Rollout Rollout, IReadOnlyList<RolloutCounts> Waves)> Rollouts, long Groups)
    {
        public BranchInfo? Find(BranchName name) => Branches.FirstOrDefault(b => b.Name == name);
    }

    public void Map(IEndpointRouteBuilder routes) => routes.MapGet("/", gate.Page(visitor => renderer.ShowAsync<OverviewPage>(visitor, Read())));

    private Overview Read()
    {
        var now = time.GetUtcNow();
        var branches = register().List();
        var newest = branches.Where(b => b.Created is not null).OrderByDescending(b => b.Created).Take(ShownBranches)
            .SelectMany(b => register().History(b.Name, ShownPublishes).Select(p => new Publish(b.Name, p)))
            .OrderByDescending(p => p.Position.Created).Take(ShownPublishes).ToArray();
        using var connection = database.Connect();
        var rollouts = RolloutBook.Newest(connection).Where(r => r.IsActive).OrderByDescending(r => r.Id).Take(ShownRollouts).Select(r => (r, RolloutBook.Count(connection, r, now))).ToArray();
        return new Overview(counts.Read(), branches, events.NewestTrouble(now - TroubleTime, now, ShownDevices),
            view.Search(new DeviceFilter(State: DeviceState.Pending), ShownDevices), newest, rollouts, connection.Query("SELECT count(*) FROM groups", row => row.GetInt64(0))[0]);
    }
}
