using ContentTree.Server.Auditing;
using ContentTree.Server.Fleet;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Privacy;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Endpoints;

/// <summary>What operators ask: devices, tokens, branches.</summary>
internal sealed class ManagementEndpoints(
    DataDirectory data, Devices devices, DeviceView view, Tokens tokens, EmptyBranches emptyBranches, PolicyChanges policies, Entitlements entitlements, TokenAccess access,
    Audit audit, TimeProvider time, ILogger log)
{
    private readonly DeviceVerdicts _verdicts = new(devices, audit);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Routes.Devices, ListDevicesAsync);
        routes.MapGet(Routes.Devices + "/{id}", ShowDeviceAsync);
        routes.MapDelete(Routes.Devices + "/{id}", RemoveDevice);
        routes.MapPost(Routes.Devices + "/{id}/accept", context => DecideAsync(context, DeviceState.Accepted));
        routes.MapPost(Routes.Devices + "/{id}/reject", context => DecideAsync(context, DeviceState.Rejected));
        routes.MapPost(Routes.Devices + "/{id}/assignment", AssignAsync);
        routes.MapPut(Routes.Devices + "/{id}/branches/{**name}", context => AllowAsync(context, "allow", entitlements.Allow));
        routes.MapDelete(Routes.Devices + "/{id}/branches/{**name}", context => AllowAsync(context, "forbid", entitlements.Forbid));
        routes.MapPut("/api/v1/private/{**name}", context => SetPrivate(context, isPrivate: true));
        routes.MapDelete("/api/v1/private/{**name}", context => SetPrivate(context, isPrivate: false));
        routes.MapPost(Routes.OfflineReports, TakeReportAsync);
        routes.MapPut("/api/v1/protected/{**name}", context => SetProtected(context, isProtected: true));
        routes.MapDelete("/api/v1/protected/{**name}", context => SetProtected(context, isProtected: false));
        routes.MapGet("/api/v1/history/{**name}", HistoryAsync);
        routes.MapGet(Routes.Tokens, ListTokensAsync);
        routes.MapPost(Routes.Tokens, CreateTokenAsync);
        routes.MapDelete(Routes.Tokens + "/{id}", RevokeToken);
        routes.MapGet(Routes.Branches, ListBranchesAsync);
        routes.MapPost(Routes.Branches, CreateBranchAsync);
        routes.MapDelete(Routes.Branches + "/{**name}", DeleteBranch);
    }

    private Task ListDevicesAsync(HttpContext context)
    {
        var groups = access.RequireOf(context, TokenRole.Viewer);
        var limit = context.LimitOf();
        // One more than asked for tells whether there is a next page.
        var found = view.List(limit + 1, context.Request.Query["cursor"], context.Request.Query["q"], groups.Groups);
        var page = groups.Show([.. found.Take(limit)]);
        return context.AnswerAsync(new DeviceList(page, found.Count > limit ? page[^1].Id.ToString() : null), ProtocolJson.Default.DeviceList);
    }

    private Task ShowDeviceAsync(HttpContext context)
    {
        var limit = access.RequireOf(context, TokenRole.Viewer);
        return context.AnswerAsync(limit.Show(view.Find(limit.Require(DeviceOf(context)))), ProtocolJson.Default.DeviceInfo);
    }

    private Task DecideAsync(HttpContext context, DeviceState state)
    {
        var limit = access.RequireOf(context, TokenRole.Operator);
        var token = limit.Bearer;
        limit.Require(DeviceOf(context));
        BranchName? expectedOn = context.Request.Query["branch"].ToString() is { Length: > 0 } branch ? BranchName.Parse(branch) : null;
        var device = _verdicts.Decide(Actor.Token(token, context), DeviceOf(context), state, expectedOn);
        Log.Decided(log, device.Id, device.State, token);
        return context.AnswerAsync(limit.Show(device), ProtocolJson.Default.DeviceInfo);
    }

    private async Task AssignAsync(HttpContext context)
    {
        var limit = access.RequireOf(context, TokenRole.Operator);
        var token = limit.Bearer;
        var id = limit.Require(DeviceOf(context));
        var told = policies.Assign(id, await context.ReadAsync(ProtocolJson.Default.AssignmentRequest, BodyLimits.Small), Actor.Token(token, context));
        Log.Assigned(log, id, told.Action, told.Commit, token);
        await context.AnswerAsync(told, ProtocolJson.Default.AssignmentInfo);
    }

    private async Task TakeReportAsync(HttpContext context)
    {
        var token = access.Require(context, TokenRole.Operator);
        var device = new OfflineReports(data.OpenDatabase(), devices, new Events(data.OpenDatabase()), new BlackBoxes(data.OpenDatabase(), time), time).Take(await context.ReadBodyAsync(BodyLimits.OfflineReport));
        audit.Note(Actor.Token(token, context), "device.report", device.Id);
        await context.AnswerAsync(device, ProtocolJson.Default.DeviceInfo);
    }

    private Task RemoveDevice(HttpContext context)
    {
        var token = access.Require(context, TokenRole.Operator);
        var id = DeviceOf(context);
        _verdicts.Remove(Actor.Token(token, context), id);
        Log.Removed(log, id, token);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private Task AllowAsync(HttpContext context, string verb, Action<KeyId, BranchName> change)
    {
        var token = access.Require(context, TokenRole.Operator);
        change(DeviceOf(context), BranchOf(context));
        audit.Note(Actor.Token(token, context), $"device.{verb}", DeviceOf(context), after: $"{BranchOf(context)}");
        return context.AnswerAsync(view.Find(DeviceOf(context)), ProtocolJson.Default.DeviceInfo);
    }

    private Task SetPrivate(HttpContext context, bool isPrivate)
    {
        var token = access.Require(context, TokenRole.Admin);
        Register().SetPrivate(BranchOf(context), isPrivate);
        audit.Note(Actor.Token(token, context), isPrivate ? "branch.private" : "branch.public", BranchOf(context));
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private Task SetProtected(HttpContext context, bool isProtected)
    {
        var token = access.Require(context, TokenRole.Admin);
        Register().SetProtected(BranchOf(context), isProtected);
        audit.Note(Actor.Token(token, context), isProtected ? "branch.protect" : "branch.unprotect", BranchOf(context));
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private Task HistoryAsync(HttpContext context)
    {
        access.Require(context, TokenRole.Viewer);
        var (limit, positions) = (context.LimitOf(), Register().History(BranchOf(context), context.LimitOf(), context.NumberOf("cursor")));
        return context.AnswerAsync(new BranchHistory(positions, positions.Count == limit ? $"{positions[^1].Sequence}" : null), ProtocolJson.Default.BranchHistory);
    }

    private Task ListTokensAsync(HttpContext context)
    {
        access.Require(context, TokenRole.Admin);
        return context.AnswerAsync(new TokenList(tokens.List()), ProtocolJson.Default.TokenList);
    }

    private Task RevokeToken(HttpContext context)
    {
        var by = access.Require(context, TokenRole.Admin);
        var id = context.Request.RouteValues["id"] as string ?? "";
        tokens.Revoke(id);
        Log.TokenRevoked(log, id, by);
        audit.Note(Actor.Token(by, context), "token.revoke", id);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private async Task CreateTokenAsync(HttpContext context)
    {
        var by = access.Require(context, TokenRole.Admin);
        var created = tokens.Create(await context.ReadAsync(ProtocolJson.Default.TokenRequest, BodyLimits.Small));
        Log.TokenCreated(log, created.Id, created.Role, by);
        audit.Note(Actor.Token(by, context), "token.create", created.Id, after: created.Role);
        await context.AnswerAsync(created, ProtocolJson.Default.TokenAnswer);
    }

    private Task ListBranchesAsync(HttpContext context)
    {
        access.Require(context, TokenRole.Viewer);
        return context.AnswerAsync(new BranchList(Register().List()), ProtocolJson.Default.BranchList);
    }

    private async Task CreateBranchAsync(HttpContext context)
    {
        var token = access.Require(context, TokenRole.Admin);
        var request = await context.ReadAsync(ProtocolJson.Default.BranchRequest, BodyLimits.Small);
        if (request.Commit is not null)
            ReleaseKeys.RequireHere(data);
        var branch = Register().Create(request.Name, request.Commit, BranchMove.Remote(BranchMove.Create, Actor.Token(token, context), null), request.Private == true);
        if (branch.Commit is { } commit)
            Log.Published(log, branch.Name, commit, branch.Sequence, token);
        else
            audit.Note(Actor.Token(token, context), "branch.create", branch.Name, after: request.Private == true ? "empty, private" : "empty");
        await context.AnswerAsync(branch, ProtocolJson.Default.BranchInfo);
    }

    private Task DeleteBranch(HttpContext context)
    {
        var token = access.Require(context, TokenRole.Admin);
        var branch = BranchOf(context);
        Register().Delete(branch);
        Log.BranchDeleted(log, branch, token);
        audit.Note(Actor.Token(token, context), "branch.delete", branch);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private BranchRegister Register() => new(data, emptyBranches, time);

    private static BranchName BranchOf(HttpContext context) => BranchName.Parse(context.Request.RouteValues["name"] as string);

    private static KeyId DeviceOf(HttpContext context) => KeyId.TryParse(context.Request.RouteValues["id"] as string, out var id)
        ? id
        : throw new ProblemException(ProblemCode.NotFound, "a device's id has 16 hex digits");
}
