using System.Text.Json;
using ContentTree.Server.Auditing;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Fleet.Transfers;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Endpoints;

/// <summary>How devices are to fetch content.</summary>
internal sealed class TransferEndpoints(TransferBook book, TokenAccess access, Audit audit)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Routes.Transfers, ListAsync);
        routes.MapPut(Routes.Transfers + "/{**scope}", SetAsync);
        routes.MapDelete(Routes.Transfers + "/{**scope}", Remove);
    }

    private Task ListAsync(HttpContext context)
    {
        var limit = access.RequireOf(context, TokenRole.Viewer);
        return context.AnswerAsync(new TransferList([.. book.List().Where(t => limit.IsWhole || (t.Scope != TransferScope.Fleet && limit.Covers(PolicyScope.Parse(t.Scope))))]), ProtocolJson.Default.TransferList);
    }

    private async Task SetAsync(HttpContext context)
    {
        var token = access.Require(context, TokenRole.Operator);
        var policy = await context.ReadAsync(ProtocolJson.Default.TransferPolicy, BodyLimits.Small);
        var expected = Expectation.Of(context);
        var said = book.Set(ScopeOf(context), policy, $"token {token}", present => expected.Require(Text(present)));
        audit.Note(Actor.Token(token, context), "transfer.set", said.Scope, after: Words(said.Policy));
        context.Response.Headers.ETag = Expectation.Tag(Text(said) ?? "");
        await context.AnswerAsync(said, ProtocolJson.Default.TransferInfo);
    }

    private Task Remove(HttpContext context)
    {
        var token = access.Require(context, TokenRole.Operator);
        var expected = Expectation.Of(context);
        book.Remove(ScopeOf(context), present => expected.Require(Text(present)));
        audit.Note(Actor.Token(token, context), "transfer.remove", ScopeOf(context));
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    /// <summary>As it stands in the audit log.</summary>
    public static string Words(TransferPolicy policy) =>
        string.Join(", ", new[] { policy.MaxRate is { } rate ? $"rate {rate}" : null, policy.DailyBudget is { } budget ? $"budget {budget}" : null, policy.QuietHours is { } quiet ? $"quiet {quiet}" : null }.OfType<string>());

    private static string? Text(TransferInfo? said) => said is null ? null : JsonSerializer.Serialize(said, ProtocolJson.Default.TransferInfo);

    private static string ScopeOf(HttpContext context) => TransferScope.Checked(context.Request.RouteValues["scope"] as string);
}
