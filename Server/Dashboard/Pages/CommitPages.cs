using ContentTree.Server.Commands;
using ContentTree.Server.Deltas;
using ContentTree.Server.Packages;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Dashboard.Pages;

/// <summary>Commits in their line, one by one, and side by side.</summary>
internal sealed class CommitPages(Gate gate, PageRenderer renderer, DataDirectory data, DeltaStore deltas, FleetCounts counts, Func<BranchRegister> register, TimeProvider time)
{
    private const int PageSize = 50;

    private readonly SequenceIndex _sequences = new(data, time);

    internal sealed record LogRow(ObjectId Id, Commit Commit, long? Sequence, long Devices, IReadOnlyList<BranchName> Heads);

    internal sealed record LogView(BranchName Branch, IReadOnlyList<LogRow> Rows, ObjectId? Next);

    internal sealed record Single(ObjectId Id, Commit Commit, long Devices, IReadOnlyList<BranchName> Heads, IReadOnlyList<InstalledPackage> Packages, IReadOnlyList<DeltaOffer> Deltas);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/log/{**name}", gate.Page(LogAsync));
        routes.MapGet("/commits/{id}", gate.Page(ShowAsync));
        routes.MapGet("/diff", gate.Page(DiffAsync));
    }

    private Task LogAsync(Visitor visitor)
    {
        var name = BranchName.TryParse(visitor.Route("name"), out var parsed) ? parsed : throw new NotFoundException("no such branch");
        var head = new Branches(data, time).ReadHead(name);
        var log = new CommitLog(data, time);
        var found = log.Walk(ObjectId.TryParse(visitor.Query("from"), out var from) ? from : head.Commit).Take(PageSize + 1).ToArray();
        var (sequences, fleet, branches) = (_sequences.Of(name, [.. found.Select(c => c.Id)]), counts.Read(), register().List());
        var rows = found.Take(PageSize).Select(c => new LogRow(c.Id, c.Commit, sequences.TryGetValue(c.Id, out var sequence) ? sequence : null, fleet.RunningAt(c.Id), HeadsAt(branches, c.Id))).ToArray();
        return renderer.ShowAsync<LogPage>(visitor, new LogView(name, rows, found.Length > PageSize ? found[^1].Id : null));
    }

    private Task ShowAsync(Visitor visitor)
    {
        var id = CommitReference.Resolve(data, time, visitor.Route("id"));
        var commit = data.Repository.ReadCommit(id);
        return renderer.ShowAsync<CommitPage>(visitor, new Single(id, commit, counts.Read().RunningAt(id), HeadsAt(register().List(), id), PackageList.Of(data.Repository, commit.Tree), deltas.To(id)));
    }

    private Task DiffAsync(Visitor visitor)
    {
        var (left, right) = (visitor.Query("a").Trim(), visitor.Query("b").Trim());
        if (left.Length == 0 || right.Length == 0)
            return renderer.ShowAsync<DiffPage>(visitor, new CommitDiff.Asked(left, right, null));
        var (a, b) = (CommitReference.Resolve(data, time, left), CommitReference.Resolve(data, time, right));
        return renderer.ShowAsync<DiffPage>(visitor, new CommitDiff.Asked(left, right, CommitDiff.Of(data, a, b)));
    }

    private static IReadOnlyList<BranchName> HeadsAt(IReadOnlyList<BranchInfo> branches, ObjectId id) => [.. branches.Where(b => b.Commit == id).Select(b => b.Name)];
}
