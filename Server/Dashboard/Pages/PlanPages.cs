using ContentTree.Server.Auditing;
using ContentTree.Server.Endpoints;
using ContentTree.Server.Fleet;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Dashboard.Pages;

/// <summary>The plans by which new heads go out to groups and branches: made, changed and taken away by forms.</summary>
internal sealed class PlanPages(
    Gate gate, PageRenderer renderer, Database database, PolicyChanges policies, Groups groups, FleetCounts counts, Func<BranchRegister> register)
{
    private const int PageSize = 50;

    // Not of any field.
    private const string Whole = "";

    internal sealed record Listing(Slice<Policy> Policies);

    /// <param name="Seen">What stood there when the form was filled, to be sent back; empty for nothing.</param>
    /// <param name="Problems">By field.</param>
    internal sealed record Form(
        IReadOnlyList<(PolicyScope Scope, long Devices)> Scopes, string Scope, Policy? Policy, string Seen, IReadOnlyDictionary<string, string> Typed, IReadOnlyDictionary<string, string> Problems)
    {
        public string? Problem => Problems.GetValueOrDefault(Whole);
    }

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/plans", gate.GroupPage(ListAsync));
        routes.MapGet("/plans/edit", gate.GroupPage(EditAsync, TokenRole.Operator));
        routes.MapPost("/plans/edit", gate.GroupAction(SetAsync, TokenRole.Operator));
        routes.MapPost("/plans/remove", gate.GroupAction(RemoveAsync, TokenRole.Operator));
    }

    /// <summary>The form of a scope's plan.</summary>
    public static string PathOf(PolicyScope scope) => $"/plans/edit?scope={Uri.EscapeDataString(scope.ToString())}";

    private Task ListAsync(Visitor visitor)
    {
        using var connection = database.Connect();
        return renderer.ShowAsync<PlansPage>(visitor, new Listing(Slice.Of<Policy>(visitor, [.. PolicyBook.Shared(connection).Where(p => p.Plan is not null && visitor.Limit.Covers(p.Scope))], PageSize)));
    }

    private Task EditAsync(Visitor visitor)
    {
        var text = visitor.Query("scope");
        var policy = text.Length > 0 ? new PolicyBook(database).Find(visitor.Limit.Require(ScopeOf(text))) : null;
        return ShowAsync(visitor, text, policy, policy?.Plan is null ? "" : Expectation.Tag(FleetEndpoints.Text(policy)), policy?.Plan is { } plan ? PlanForm.Of(plan) : PlanForm.Usual, []);
    }

    private Task SetAsync(Visitor visitor, IFormCollection form)
    {
        var (text, typed) = (form["scope"].ToString(), PlanForm.Typed(form));
        var (plan, found) = PlanForm.Check(typed);
        var problems = new Dictionary<string, string>(found);
        try
        {
            var scope = text.Length > 0 ? visitor.Limit.Require(ScopeOf(text)) : throw new FormatException("choose a group or a branch");
            if (plan is not null)
            {
                policies.SetPlan(scope, plan, visitor.Actor, Seen(visitor, form));
                counts.Forget();
                return visitor.Go("/plans", $"Each new head for {scope.Words} goes out by this plan. Until then its devices stay at where it is now.");
            }
        }
        catch (Exception e) when (e is FormatException or NotFoundException or FleetConflictException)
        {
            problems["scope"] = e.Message;
        }
        catch (ProblemException e) when (e.Problem.Code == ProblemCode.Changed)
        {
            problems[Whole] = e.Problem.Detail ?? e.Message;
        }
        // Nobody types all of it again.
        return ShowAsync(visitor, text, null, SeenIn(form), typed, problems);
    }

    private Task RemoveAsync(Visitor visitor, IFormCollection form)
    {
        var scope = visitor.Limit.Require(ScopeOf(form["scope"].ToString()));
        policies.RemovePlan(scope, visitor.Actor, Seen(visitor, form));
        counts.Forget();
        return visitor.Go("/plans", $"New heads go out to {scope.Words} by no plan any more. It stays pinned to where it is until somebody releases it.");
    }

    private Task ShowAsync(Visitor visitor, string scope, Policy? policy, string seen, IReadOnlyDictionary<string, string> typed, Dictionary<string, string> problems)
    {
        var status = problems.Count == 0 ? StatusCodes.Status200OK : problems.ContainsKey(Whole) ? StatusCodes.Status412PreconditionFailed : StatusCodes.Status400BadRequest;
        return renderer.ShowAsync<PlanPage>(visitor, new Form(RolloutPages.ScopesFor(visitor, groups, register, counts), scope, policy, seen, typed, problems), status);
    }

    // What the page was filled with; a program that sends the form may say it as it does to the interface.
    private static Action<Policy?> Seen(Visitor visitor, IFormCollection form)
    {
        var (page, header) = (Expectation.OfForm(SeenIn(form)), Expectation.Of(visitor.Context));
        return present =>
        {
            header.Require(present is null ? null : FleetEndpoints.Text(present));
            // Of a scope that is only pinned there was no plan to look at; the pin stays what it is.
            if (visitor.Context.Request.Headers.IfMatch.Count == 0)
                page.Require(present?.Plan is null ? null : FleetEndpoints.Text(present));
        };
    }

    // Whoever then chose another scope has seen nothing of that one.
    private static string SeenIn(IFormCollection form) => form["of"].ToString() is { Length: > 0 } of && of != form["scope"] ? "" : form["seen"].ToString();

    private static PolicyScope ScopeOf(string text) => PolicyScope.Parse(text) is var scope and not PolicyScope.Device ? scope : throw new FormatException("a plan is for a group or a branch");
}
