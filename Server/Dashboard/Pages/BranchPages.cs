using ContentTree.Server.Auditing;
using ContentTree.Server.Endpoints;
using ContentTree.Server.Fleet;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Privacy;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Dashboard.Pages;

/// <summary>The branches: where they are, how they came there, and everything that moves or marks them.</summary>
internal sealed class BranchPages(Gate gate, PageRenderer renderer, DataDirectory data, PolicyBook policies, FetchSizes sizes, FleetCounts counts, Func<BranchRegister> register, Audit audit, TimeProvider time, ILogger log)
{
    private const int PageSize = 50;
    private const int ShownPositions = 50;

    // Any other can be typed.
    private const int ShownOthers = 100;

    internal sealed record Listing(Slice<BranchInfo> Branches, FleetCount Fleet);

    internal sealed record Single(BranchInfo Branch, Commit? Commit, IReadOnlyList<BranchPositionInfo> Positions, BranchCount? Devices, IReadOnlyList<BranchInfo> Others, PolicyPages.Said Said);

    /// <param name="Named">The commit as somebody named it: where a branch is private, its name says more than the id.</param>
    internal sealed record Question(BranchName Branch, string Verb, string Named, ObjectId Commit, ObjectId? Present, string Reason, long Devices, FetchSizes.Sum Fetch);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/branches", gate.Page(visitor => renderer.ShowAsync<BranchesPage>(visitor, new Listing(Slice.Of(visitor, register().List(), PageSize), counts.Read()))));
        routes.MapGet("/branches/{**name}", gate.Page(ShowAsync));
        routes.MapPost("/branch/create", gate.Action(CreateAsync, TokenRole.Admin));
        routes.MapPost("/branch/promote", gate.Action((visitor, form) => MoveAsync(visitor, form, BranchMove.Promote)));
        routes.MapPost("/branch/revert", gate.Action((visitor, form) => MoveAsync(visitor, form, BranchMove.Revert)));
        routes.MapPost("/branch/protect", gate.Action((visitor, form) => MarkAsync(visitor, form, "branch.protect", (all, name) => all.SetProtected(name, true)), TokenRole.Admin));
        routes.MapPost("/branch/unprotect", gate.Action((visitor, form) => MarkAsync(visitor, form, "branch.unprotect", (all, name) => all.SetProtected(name, false)), TokenRole.Admin));
        routes.MapPost("/branch/private", gate.Action((visitor, form) => MarkAsync(visitor, form, "branch.private", (all, name) => all.SetPrivate(name, true)), TokenRole.Admin));
        routes.MapPost("/branch/public", gate.Action((visitor, form) => MarkAsync(visitor, form, "branch.public", (all, name) => all.SetPrivate(name, false)), TokenRole.Admin));
        routes.MapPost("/branch/delete", gate.Action(DeleteAsync, TokenRole.Admin));
    }

    private Task ShowAsync(Visitor visitor)
    {
        var name = BranchName.TryParse(visitor.Route("name"), out var parsed) ? parsed : throw new NotFoundException("no such branch");
        var all = register().List();
        var branch = all.FirstOrDefault(b => b.Name == name) ?? throw new NotFoundException($"no branch {name}");
        var (scope, positions) = (new PolicyScope.Branch(name), register().History(name, ShownPositions));
        return renderer.ShowAsync<BranchPage>(visitor, new Single(
            branch, branch.Commit is { } commit ? TryRead(commit) : null, positions, counts.Read().Branches.FirstOrDefault(b => b.Branch == name), [.. all.Where(b => b.Name != name && b.Commit is not null).Take(ShownOthers)], new PolicyPages.Said(scope, policies.Find(scope), positions)));
    }

    private Task CreateAsync(Visitor visitor, IFormCollection form)
    {
        var name = NameOf(form);
        var isPrivate = form["private"] == "yes";
        var at = form["at"].ToString().Trim();
        ObjectId? commit = at.Length > 0 ? Commands.CommitReference.Resolve(data, time, at) : null;
        if (commit is not null)
            ReleaseKeys.RequireHere(data);
        register().Create(name, commit, BranchMove.Remote(BranchMove.Create, visitor.Actor, null), isPrivate);
        if (commit is null)
            audit.Note(visitor.Actor, "branch.create", name, after: isPrivate ? "empty, private" : "empty");
        return visitor.Go(PathOf(name), "The branch is made.");
    }

    private Task MoveAsync(Visitor visitor, IFormCollection form, string verb)
    {
        var (name, named) = (NameOf(form), form["commit"].ToString().Trim());
        visitor.Back = PathOf(name);
        visitor.Require(TokenRole.Publisher, TokenRole.Approver);
        if (new ProtectedBranches(data).Contains(name))
            visitor.Require(TokenRole.Approver);
        // What no branch is at was not released by anybody yet: to lead a branch there is to publish.
        var commit = Commands.CommitReference.Resolve(data, time, named);
        if (verb == BranchMove.Promote && !new Branches(data, time).IsAtAnother(name, commit))
            visitor.Require(TokenRole.Publisher);
        ReleaseKeys.RequireHere(data);
        var reason = form["reason"].ToString().Trim();
        if (form["sure"] != "yes")
            return AskAsync(visitor, name, verb, named, commit, reason);
        if (form["looked"].ToString() is { Length: > 0 } looked && looked != commit.ToString())
            throw new BranchMovedException($"{named} has moved since; look at it again");
        var moved = new BranchSteering(data, time).Move(name, named, BranchMove.Remote(verb, visitor.Actor, reason.Length > 0 ? reason : null));
        Log.Published(log, name, moved.Commit, moved.Sequence, visitor.Actor.Name);
        counts.Forget();
        return visitor.Go(PathOf(name), $"{name} is at #{moved.Sequence} now; {Text.Count(counts.Read().Following(name), "device hears", "devices hear")} of it at the next poll.");
    }

    private Task AskAsync(Visitor visitor, BranchName name, string verb, string named, ObjectId commit, string reason)
    {
        if (verb == BranchMove.Promote)
            BranchSteering.RequireNotShown(named, name, new PrivateBranches(data).Read());
        var following = counts.Read().Branches.FirstOrDefault(b => b.Branch == name);
        FetchNeed[] needs = [.. (following?.Running ?? []).Where(r => r.Commit != commit).Select(r => new FetchNeed(r.Commit, commit, r.Devices))];
        return renderer.ShowAsync<BranchQuestionPage>(visitor, new Question(
            name, verb, named, commit, new Branches(data, time).Read(name).Head?.Commit, reason, following?.Accepted ?? 0, sizes.Of(needs)));
    }

    private Task MarkAsync(Visitor visitor, IFormCollection form, string verb, Action<BranchRegister, BranchName> mark)
    {
        var name = NameOf(form);
        mark(register(), name);
        audit.Note(visitor.Actor, verb, name);
        return visitor.Go(PathOf(name), "Done.");
    }

    private Task DeleteAsync(Visitor visitor, IFormCollection form)
    {
        var name = NameOf(form);
        register().Delete(name);
        Log.BranchDeleted(log, name, visitor.Actor.Name);
        audit.Note(visitor.Actor, "branch.delete", name);
        counts.Forget();
        return visitor.Go("/branches", $"Branch {name} is deleted; its commits stay until the next garbage collection.");
    }

    private Commit? TryRead(ObjectId id)
    {
        try
        {
            return data.Repository.ReadCommit(id);
        }
        catch (Exception e) when (e is CorruptObjectException or ObjectNotFoundException)
        {
            return null;
        }
    }

    private static string PathOf(BranchName name) => $"/branches/{Text.Path(name.ToString())}";

    private static BranchName NameOf(IFormCollection form) => BranchName.Parse(form["branch"].ToString().Trim());
}
