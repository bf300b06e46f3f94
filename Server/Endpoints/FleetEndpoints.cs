using System.Globalization;
using ContentTree.Server.Auditing;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
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
        access.Require(context, TokenRole.Viewer);
        var said = new PolicyBook(database).List().ToDictionary(p => p.Scope);
        return context.AnswerAsync(new GroupList([.. groups.List().Select(g => Describe(g, said.GetValueOrDefault(new PolicyScope.Group(g.Name))))]), ProtocolJson.Default.GroupList);
    }

    private Task ShowGroupAsync(HttpContext context)
    {
        access.Require(context, TokenRole.Viewer);
        return AnswerAsync(context, groups.Find(GroupOf(context)));
    }

    private async Task SetGroupAsync(HttpContext context)
    {
        var actor = Operator(context);
        var asked = await context.ReadAsync(ProtocolJson.Default.GroupRequest, BodyLimits.Small);
        var group = groups.Set(GroupOf(context), asked.Rank, asked.Filter, asked.SilentPolls);
        audit.Note(actor, "group.set", group.Name, after: $"rank {group.Rank}, filter {group.Filter}{(group.SilentPolls is { } polls ? $", silent after {polls} polls" : "")}");
        await AnswerAsync(context, group);
    }

    private Task RemoveGroup(HttpContext context)
    {
        var actor = Operator(context);
        groups.Remove(GroupOf(context));
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
        access.Require(context, TokenRole.Viewer);
        return context.AnswerAsync(new PolicyList([.. new PolicyBook(database).List().Select(p => p.Describe())]), ProtocolJson.Default.PolicyList);
    }

    private async Task SetPolicyAsync(HttpContext context)
    {
        var actor = Operator(context);
        var policy = policies.Set(ScopeOf(context), await context.ReadAsync(ProtocolJson.Default.PolicyRequest, BodyLimits.Small), actor.Name);
        audit.Note(actor, $"policy.{Policy.Word(policy.Action)}", policy.Scope, after: $"{policy.Commit}{(policy.Expires is { } until ? $" until {until:u}" : "")}", reason: policy.Reason);
        Log.PolicySet(log, policy.Scope, policy.Action, policy.Commit, policy.By);
        await context.AnswerAsync(policy.Describe(), ProtocolJson.Default.PolicyInfo);
    }

    private async Task PreviewAsync(HttpContext context)
    {
        var actor = Operator(context);
        var body = await context.ReadBodyAsync(BodyLimits.Small);
        var asked = body.Length == 0 ? null : Messages.Parse(body, ProtocolJson.Default.PolicyRequest);
        await context.AnswerAsync(policies.Preview(ScopeOf(context), asked, actor.Name), ProtocolJson.Default.PolicyPreview);
    }

    private Task RemovePolicy(HttpContext context)
    {
        var actor = Operator(context);
        var scope = ScopeOf(context);
        policies.Remove(scope);
        Log.PolicySet(log, scope, null, null, actor.Name);
        audit.Note(actor, "policy.release", scope);
        return Done(context);
    }

    private async Task SetPlanAsync(HttpContext context)
    {
        var actor = Operator(context);
        var policy = policies.SetPlan(ScopeOf(context), await context.ReadAsync(ProtocolJson.Default.RolloutPlan, BodyLimits.Missing), actor.Name);
        audit.Note(actor, "policy.plan", policy.Scope, after: $"{policy.Plan?.Waves.Count} waves, pinned to {policy.Commit}");
        await context.AnswerAsync(policy.Describe(), ProtocolJson.Default.PolicyInfo);
    }

    private Task RemovePlan(HttpContext context)
    {
        var actor = Operator(context);
        policies.RemovePlan(ScopeOf(context));
        audit.Note(actor, "policy.no-plan", ScopeOf(context));
        return Done(context);
    }

    private Task ListRolloutsAsync(HttpContext context)
    {
        access.Require(context, TokenRole.Viewer);
        using var connection = database.Connect();
        var found = RolloutBook.List(connection, context.LimitOf());
        return context.AnswerAsync(new RolloutList([.. found.Select(r => RolloutBook.Describe(r, RolloutBook.Count(connection, r, time.GetUtcNow())))]), ProtocolJson.Default.RolloutList);
    }

    private async Task StartRolloutAsync(HttpContext context)
    {
        var actor = Operator(context);
        var rollout = steps.Start(await context.ReadAsync(ProtocolJson.Default.RolloutRequest, BodyLimits.Missing), actor.Name);
        audit.Note(actor, "rollout.start", rollout.Id, after: $"{rollout.Commit} to {rollout.Scope}", reason: rollout.Reason);
        await AnswerAsync(context, rollout);
    }

    private Task ShowRolloutAsync(HttpContext context)
    {
        access.Require(context, TokenRole.Viewer);
        using var connection = database.Connect();
        return AnswerAsync(context, RolloutBook.Find(connection, IdOf(context)));
    }

    private Task ListRolloutDevicesAsync(HttpContext context)
    {
        access.Require(context, TokenRole.Viewer);
        var limit = context.LimitOf();
        var query = context.Request.Query;
        using var connection = database.Connect();
        var rollout = RolloutBook.Find(connection, IdOf(context));
        var found = RolloutBook.Devices(connection, rollout.Id, limit + 1, query["cursor"], query["state"].ToString() is { Length: > 0 } state ? state : null);
        var page = found.Take(limit).ToArray();
        return context.AnswerAsync(new RolloutDeviceList(page, found.Count > limit ? page[^1].Device.ToString() : null), ProtocolJson.Default.RolloutDeviceList);
    }

    private Task ApproveRolloutAsync(HttpContext context) => StepRolloutAsync(context, RolloutSteps.Approve, Actor.Token(access.Require(context, TokenRole.Approver), context));

    private Task StepRolloutAsync(HttpContext context) => StepRolloutAsync(context, context.Request.RouteValues["step"] as string ?? "", Operator(context));

    private async Task StepRolloutAsync(HttpContext context, string step, Actor actor)
    {
        var asked = await context.ReadAsync(ProtocolJson.Default.RolloutStepRequest, BodyLimits.Small);
        var rollout = steps.Step(IdOf(context), step, asked.Reason, actor.Name);
        Log.RolloutMoved(log, rollout.Id, rollout.Scope, rollout.State, rollout.Wave + 1, rollout.Note);
        audit.Note(actor, $"rollout.{step}", rollout.Id, after: $"{rollout.State}, wave {rollout.Wave + 1}", reason: asked.Reason);
        await AnswerAsync(context, rollout);
    }

    private Actor Operator(HttpContext context) => Actor.Token(access.Require(context, TokenRole.Operator), context);

    private Task AnswerAsync(HttpContext context, Rollout rollout)
    {
        using var connection = database.Connect();
        return context.AnswerAsync(RolloutBook.Describe(rollout, RolloutBook.Count(connection, rollout, time.GetUtcNow())), ProtocolJson.Default.RolloutInfo);
    }

    private Task AnswerAsync(HttpContext context, Group group) =>
        context.AnswerAsync(Describe(group, new PolicyBook(database).Find(new PolicyScope.Group(group.Name))), ProtocolJson.Default.GroupInfo);

    private static GroupInfo Describe(Group group, Policy? policy) => new(group.Name.ToString(), group.Rank, group.Devices, group.Filter, policy?.Describe(), group.SilentPolls);

    private static Task Done(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private static GroupName GroupOf(HttpContext context) => GroupName.Parse(context.Request.RouteValues["name"] as string);

    private static KeyId DeviceOf(HttpContext context) => KeyId.Parse(context.Request.RouteValues["id"] as string);

    private static PolicyScope ScopeOf(HttpContext context) => PolicyScope.Parse(context.Request.RouteValues["scope"] as string);

    private static long IdOf(HttpContext context) => long.Parse(context.Request.RouteValues["id"] as string ?? "", CultureInfo.InvariantCulture);
}
