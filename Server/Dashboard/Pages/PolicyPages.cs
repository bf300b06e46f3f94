using System.Globalization;
using ContentTree.Server.Auditing;
using ContentTree.Server.Endpoints;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Dashboard.Pages;

/// <summary>What is said of a group or a branch: looked at first by what it would change, then said. The forms stand on the pages of both.</summary>
internal sealed class PolicyPages(Gate gate, PageRenderer renderer, PolicyChanges policies, FetchSizes sizes, FleetCounts counts, ILogger log)
{
    private const string Release = "release";

    /// <summary>What a part of a page shows of a scope.</summary>
    internal sealed record Said(PolicyScope Scope, Policy? Policy, IReadOnlyList<BranchPositionInfo> Positions);

    /// <param name="Path">Where the answer goes.</param>
    internal sealed record Question(PolicyScope Scope, string Action, ObjectId? Commit, PolicyPreview Preview, FetchSizes.Sum Fetch, string Path, IReadOnlyList<(string Name, string Value)> Fields);

    public void Map(IEndpointRouteBuilder routes)
    {
        // At the pages' own addresses, so that whoever is refused comes back to one.
        routes.MapPost("/groups/{name}", gate.GroupAction((visitor, form) => SayAsync(visitor, form, new PolicyScope.Group(GroupName.Parse(visitor.Route("name")))), TokenRole.Operator));
        routes.MapPost("/branches/{**name}", gate.Action((visitor, form) => SayAsync(visitor, form, new PolicyScope.Branch(BranchName.Parse(visitor.Route("name")))), TokenRole.Operator));
    }

    /// <summary>The page of a scope.</summary>
    public static string PathOf(PolicyScope scope) => scope switch
    {
        PolicyScope.Group group => $"/groups/{group.Name}",
        PolicyScope.Branch branch => $"/branches/{Text.Path(branch.Name.ToString())}",
        PolicyScope.Device device => $"/devices/{device.Id}",
        _ => "/",
    };

    private Task SayAsync(Visitor visitor, IFormCollection form, PolicyScope scope)
    {
        visitor.Limit.Require(scope);
        var action = form["action"].ToString();
        var request = action == Release ? null : Read(visitor, form, action);
        if (form["sure"] != "yes")
        {
            // What was looked at is what is said, also when a branch goes on meanwhile.
            var (preview, commit, needs) = policies.Look(scope, request, visitor.Actor.Name);
            return renderer.ShowAsync<PolicyQuestionPage>(visitor, new Question(scope, action, commit, preview, sizes.Of(needs), PathOf(scope),
                [("action", action), ("commit", commit?.ToString() ?? ""), ("reason", form["reason"].ToString()), ("days", form["days"].ToString())]));
        }
        if (request is null)
        {
            policies.Remove(scope, visitor.Actor);
            Log.PolicySet(log, scope, null, null, visitor.Actor.Name);
        }
        else
        {
            var policy = policies.Set(scope, request, visitor.Actor);
            Log.PolicySet(log, policy.Scope, policy.Action, policy.Commit, policy.By);
        }
        counts.Forget();
        return visitor.Go(PathOf(scope), request is null ? "Taken back: wider ones decide again from the next poll on." : "Said: its devices hear of it at their next poll.");
    }

    private static PolicyRequest Read(Visitor visitor, IFormCollection form, string action)
    {
        var (commit, reason, days) = (form["commit"].ToString().Trim(), form["reason"].ToString().Trim(), form["days"].ToString().Trim());
        DateTimeOffset? until = days.Length == 0 ? null
            : int.TryParse(days, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count is > 0 and <= 3650 ? visitor.Now.AddDays(count) : throw new FormatException("days are a number from 1 to 3650");
        return new PolicyRequest(action, commit.Length > 0 ? commit : null, reason.Length > 0 ? reason : null, until);
    }
}
