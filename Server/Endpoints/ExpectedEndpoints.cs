using ContentTree.Server.Auditing;
using ContentTree.Server.Fleet.Expected;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Endpoints;

/// <summary>Lists of devices that are let in when they come.</summary>
internal sealed class ExpectedEndpoints(ExpectedDevices expected, TokenAccess access, Audit audit)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Routes.Expected, ListAsync);
        routes.MapPost(Routes.Expected, AddAsync);
        routes.MapDelete(Routes.Expected, RemoveUnused);
        routes.MapDelete(Routes.Expected + "/{serial}", Remove);
    }

    private Task ListAsync(HttpContext context)
    {
        access.Require(context, TokenRole.Viewer);
        var limit = context.LimitOf();
        var found = expected.List(context.Request.Query["unused"] == "yes", limit + 1, context.Request.Query["cursor"]);
        return context.AnswerAsync(new ExpectedDeviceList([.. found.Take(limit)], found.Count > limit ? found[limit - 1].Serial : null), ProtocolJson.Default.ExpectedDeviceList);
    }

    private async Task AddAsync(HttpContext context)
    {
        var token = access.Require(context, TokenRole.Operator);
        var answer = expected.Add(ExpectedList.Parse(await context.ReadBodyAsync(BodyLimits.ExpectedDevices)), $"token {token}");
        audit.Note(Actor.Token(token, context), "device.expect", "a list", after: Words(answer));
        await context.AnswerAsync(answer, ProtocolJson.Default.ExpectedAnswer);
    }

    private Task Remove(HttpContext context)
    {
        var token = access.Require(context, TokenRole.Operator);
        var serial = context.Request.RouteValues["serial"] as string ?? "";
        expected.Remove(serial);
        audit.Note(Actor.Token(token, context), "device.unexpect", serial);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private Task RemoveUnused(HttpContext context)
    {
        var token = access.Require(context, TokenRole.Operator);
        audit.Note(Actor.Token(token, context), "device.unexpect", "all unused", after: $"{expected.RemoveUnused()} serials");
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    /// <summary>As it stands in the audit log.</summary>
    public static string Words(ExpectedAnswer answer) => $"{answer.Added} new serials, {answer.Known} known";
}
