using System.Text.Json;
using ContentTree.Server.Auditing;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Endpoints;

/// <summary>What operators say of many devices: groups, labels, policies, plans and rollouts.</summary>
internal sealed class FleetEndpoints(
    Database database, PolicyChanges policies, RolloutSteps steps, Groups groups, TokenAccess access, Audit audit, TimeProvider time, ILogger log)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Routes.Groups, ListGroupsAsync);
        routes.MapGet(Routes.Groups + "/{name}", ShowGroupAsync);
        routes.MapPut(Routes.Groups + "/{name}", SetGroupAsync);
        routes.MapDelete(Routes.Groups + "/{name}", RemoveGroup);
        routes.MapPut(Routes.Groups + "/{name}/devices/{id}", context => ListDevice(context, isListed: true));
        routes.MapDelete(Routes.Groups + "/{name}/devices/{id}", context => ListDevice(context, isListed: false));
        routes.MapPut(Routes.Devices + "/{id}/labels", LabelAsync);
        routes.MapGet(Routes.Policies, ListPoliciesAsync);
        routes.MapGet(Routes.Policies + "/{**scope}", ShowPolicyAsync);
        routes.MapPut(Routes.Policies + "/{**scope}", SetPolicyAsync);
        routes.MapPost(Routes.Policies + "/{**scope}", PreviewAsync);
        routes.MapDelete(Routes.Policies + "/{**scope}", RemovePolicy);
        routes.MapPut(Routes.Plans + "/{**scope}", SetPlanAsync);
        routes.MapDelete(Routes.Plans + "/{**scope}", RemovePlan);
        routes.MapGet(Routes.Rollouts, ListRolloutsAsync);
        routes.MapPost(Routes.Rollouts, StartRolloutAsync);
        routes.MapGet(Routes.Rollouts + "/{id}", ShowRolloutAsync);
        routes.MapGet(Routes.Rollouts + "/{id}/devices", ListRolloutDevicesAsync);
        routes.MapPost(Routes.Rollouts + "/{id}/" + RolloutSteps.Approve, ApproveRolloutAsync);
        routes.MapPost(Routes.Rollouts + "/{id}/{step}", StepRolloutAsync);
    }

    private Task ListGroupsAsync(HttpContext context)
    {
        var limit = access.RequireOf(context, TokenRole.Viewer);
        var said = new PolicyBook(database).List().ToDictionary(p => p.Scope);
        return context.AnswerAsync(new GroupList([.. groups.List().Where(g => limit.Covers(new PolicyScope.Group(g.Name))).Select(g => Describe(g, said.GetValueOrDefault(new PolicyScope.Group(g.Name))))]), ProtocolJson.Default.GroupList);
    }

    private Task ShowGroupAsync(HttpContext context)
    {
        var (limit, name) = (access.RequireOf(context, TokenRole.Viewer), GroupOf(context));
        return AnswerAsync(context, limit.Covers(new PolicyScope.Group(name)) ? groups.Find(name) : throw new NotFoundException($"no group {name}"));
    }

    private async Task SetGroupAsync(HttpContext context)
    {
        var actor = Operator(context);
        var asked = await context.ReadAsync(ProtocolJson.Default.GroupRequest, BodyLimits.Small);
        var group = groups.Set(GroupOf(context), asked.Rank, asked.Filter, asked.SilentPolls, Seen<Group>(context, Text));
        audit.Note(actor, "group.set", group.Name, after: $"rank {group.Rank}, filter {group.Filter}{(group.SilentPolls is { } polls ? $", silent after {polls} polls" : "")}");
        await AnswerAsync(context, group);
    }

    private Task RemoveGroup(HttpContext context)
    {
        var actor = Operator(context);
        groups.Remove(GroupOf(context), Seen<Group>(context, Text));
        audit.Note(actor, "group.remove", GroupOf(context));
        return Done(context);
    }

    private Task ListDevice(HttpContext context, bool isListed)
    {
        var actor = Operator(context);
        groups.List(GroupOf(context), DeviceOf(context), isListed);
        audit.Note(actor, isListed ? "group.add" : "group.drop", GroupOf(context), after: $"{DeviceOf(context)}");
        return Done(context);
    }

    private async Task LabelAsync(HttpContext context)
    {
        var actor = Operator(context);
        var labels = (await context.ReadAsync(ProtocolJson.Default.LabelsRequest, BodyLimits.Small)).Labels;
        groups.Label(DeviceOf(context), labels);
        audit.Note(actor, "device.label", DeviceOf(context), after: string.Join(", ", labels.Select(l => $"{l.Key}={l.Value}")));
        await Done(context);
    }

    private Task ListPoliciesAsync(HttpContext context)
    {
        var limit = access.RequireOf(context, TokenRole.Viewer);
        return context.AnswerAsync(new PolicyList([.. new PolicyBook(database).List().Where(p => limit.Covers(p.Scope)).Select(p => p.Describe())]), ProtocolJson.Default.PolicyList);
    }

    private Task ShowPolicyAsync(HttpContext context)
    {
        var scope = access.RequireOf(context, TokenRole.Viewer).Require(ScopeOf(context));
        return AnswerAsync(context, new PolicyBook(database).Find(scope) ?? throw new NotFoundException($"nothing was said of {scope.Words}"));
    }

    private async Task SetPolicyAsync(HttpContext context)
    {
        var (actor, scope) = OperatorOf(context);
        var policy = policies.Set(scope, await context.ReadAsync(ProtocolJson.Default.PolicyRequest, BodyLimits.Small), actor, seen: Seen<Policy>(context, Text));
        Log.PolicySet(log, policy.Scope, policy.Action, policy.Commit, policy.By);
        await AnswerAsync(context, policy);
    }

    private async Task PreviewAsync(HttpContext context)
    {
        var (actor, scope) = OperatorOf(context);
        var body = await context.ReadBodyAsync(BodyLimits.Small);
        var asked = body.Length == 0 ? null : Messages.Parse(body, ProtocolJson.Default.PolicyRequest);
        await context.AnswerAsync(policies.Preview(scope, asked, actor.Name), ProtocolJson.Default.PolicyPreview);
    }

    private Task RemovePolicy(HttpContext context)
    {
        var (actor, scope) = OperatorOf(context);
        policies.Remove(scope, actor, seen: Seen<Policy>(context, Text));
        Log.PolicySet(log, scope, null, null, actor.Name);
        return Done(context);
    }

    private async Task SetPlanAsync(HttpContext context)
    {
        var (actor, scope) = OperatorOf(context);
        var policy = policies.SetPlan(scope, await context.ReadAsync(ProtocolJson.Default.RolloutPlan, BodyLimits.Missing), actor, Seen<Policy>(context, Text));
        await AnswerAsync(context, policy);
    }

    private Task RemovePlan(HttpContext context)
    {
        var (actor, scope) = OperatorOf(context);
        policies.RemovePlan(scope, actor, Seen<Policy>(context, Text));
        return Done(context);
    }

    private Task ListRolloutsAsync(HttpContext context)
    {
        var limit = access.RequireOf(context, TokenRole.Viewer);
        using var connection = database.Connect();
        var found = limit.Groups is null ? RolloutBook.List(connection, context.LimitOf()) : [.. RolloutBook.List(connection, int.MaxValue).Where(r => limit.Covers(r.Scope)).Take(context.LimitOf())];
        return context.AnswerAsync(new RolloutList([.. found.Select(r => RolloutBook.Describe(r, RolloutBook.Count(connection, r, time.GetUtcNow())))]), ProtocolJson.Default.RolloutList);
    }

    private async Task StartRolloutAsync(HttpContext context)
    {
        var limit = access.RequireOf(context, TokenRole.Operator);
        var actor = Actor.Token(limit.Bearer, context);
        var asked = await context.ReadAsync(ProtocolJson.Default.RolloutRequest, BodyLimits.Missing);
        limit.Require(PolicyScope.Parse(asked.Scope));
        var rollout = steps.Start(asked, actor);
        await AnswerAsync(context, rollout);
    }

    private Task ShowRolloutAsync(HttpContext context)
    {
        var limit = access.RequireOf(context, TokenRole.Viewer);
        return AnswerAsync(context, RolloutOf(context, limit));
    }

    private Task ListRolloutDevicesAsync(HttpContext context)
    {
        var groups = access.RequireOf(context, TokenRole.Viewer);
        var rollout = RolloutOf(context, groups);
        var limit = context.LimitOf();
        var query = context.Request.Query;
        using var connection = database.Connect();
        var found = RolloutBook.Devices(connection, rollout.Id, limit + 1, query["cursor"], query["state"].ToString() is { Length: > 0 } state ? state : null, groups.Groups);
        var page = found.Take(limit).ToArray();
        return context.AnswerAsync(new RolloutDeviceList(page, found.Count > limit ? page[^1].Device.ToString() : null), ProtocolJson.Default.RolloutDeviceList);
    }

    private Task ApproveRolloutAsync(HttpContext context) => StepRolloutAsync(context, RolloutSteps.Approve, access.RequireOf(context, TokenRole.Approver));

    private Task StepRolloutAsync(HttpContext context) => StepRolloutAsync(context, context.Request.RouteValues["step"] as string ?? "", access.RequireOf(context, TokenRole.Operator));

    private async Task StepRolloutAsync(HttpContext context, string step, GroupLimit limit)
    {
        var actor = Actor.Token(limit.Bearer, context);
        RolloutOf(context, limit);
        var asked = await context.ReadAsync(ProtocolJson.Default.RolloutStepRequest, BodyLimits.Small);
        var rollout = steps.Step(IdOf(context), step, asked.Reason, actor);
        Log.RolloutMoved(log, rollout.Id, rollout.Scope, rollout.State, rollout.Wave + 1, rollout.Note);
        await AnswerAsync(context, rollout);
    }

    // Of one whose scope is no business of the bearer's there is nothing to see.
    private Rollout RolloutOf(HttpContext context, GroupLimit limit)
    {
        using var connection = database.Connect();
        var rollout = RolloutBook.Find(connection, IdOf(context));
        return limit.Covers(rollout.Scope) ? rollout : throw new NotFoundException($"no rollout {rollout.Id}");
    }

    private (Actor Actor, PolicyScope Scope) OperatorOf(HttpContext context)
    {
        var limit = access.RequireOf(context, TokenRole.Operator);
        return (Actor.Token(limit.Bearer, context), limit.Require(ScopeOf(context)));
    }

    private Actor Operator(HttpContext context) => Actor.Token(access.Require(context, TokenRole.Operator), context);

    private Task AnswerAsync(HttpContext context, Rollout rollout)
    {
        using var connection = database.Connect();
        return context.AnswerAsync(RolloutBook.Describe(rollout, RolloutBook.Count(connection, rollout, time.GetUtcNow())), ProtocolJson.Default.RolloutInfo);
    }

    private Task AnswerAsync(HttpContext context, Policy policy)
    {
        // As it stands there: with a plan that stays, too.
        context.Response.Headers.ETag = Expectation.Tag(Text(new PolicyBook(database).Find(policy.Scope) ?? policy));
        return context.AnswerAsync(policy.Describe(), ProtocolJson.Default.PolicyInfo);
    }

    private Task AnswerAsync(HttpContext context, Group group)
    {
        context.Response.Headers.ETag = Expectation.Tag(Text(group));
        return context.AnswerAsync(Describe(group, new PolicyBook(database).Find(new PolicyScope.Group(group.Name))), ProtocolJson.Default.GroupInfo);
    }

    // Who is in a group changes by itself; what was said of it has a tag of its own.
    private static string Text(Group group) => $"{group.Rank}\n{group.Filter}\n{group.SilentPolls}";

    /// <summary>What its tag is made of.</summary>
    public static string Text(Policy policy) =>
        $"{policy.Action}\n{policy.Commit}\n{policy.Reason}\n{policy.By}\n{policy.Created.ToUnixTimeSeconds()}\n{policy.Expires?.ToUnixTimeSeconds()}\n{(policy.Plan is { } plan ? JsonSerializer.Serialize(plan, ProtocolJson.Default.RolloutPlan) : "")}";

    private static Action<T?> Seen<T>(HttpContext context, Func<T, string> text) where T : class
    {
        var expected = Expectation.Of(context);
        return present => expected.Require(present is null ? null : text(present));
    }

    private static GroupInfo Describe(Group group, Policy? policy) => new(group.Name.ToString(), group.Rank, group.Devices, group.Filter, policy?.Describe(), group.SilentPolls);

    private static Task Done(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private static GroupName GroupOf(HttpContext context) => GroupName.Parse(context.Request.RouteValues["name"] as string);

    private static KeyId DeviceOf(HttpContext context) => KeyId.Parse(context.Request.RouteValues["id"] as string);

    private static PolicyScope ScopeOf(HttpContext context) => PolicyScope.Parse(context.Request.RouteValues["scope"] as string);

    private static long IdOf(HttpContext context) => Messages.ParseNumber(context.Request.RouteValues["id"] as string ?? "", "a rollout");
}
