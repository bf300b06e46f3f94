using System.Globalization;
using ContentTree.Server.Auditing;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Endpoints;

/// <summary>The audit log, for reading: <c>?actor=</c>, <c>verb=</c>, <c>subject=</c>, <c>since=</c> (Unix seconds), <c>limit=</c>, <c>cursor=</c>.</summary>
internal sealed class AuditEndpoints(Audit audit, TokenAccess access)
{
    public void Map(IEndpointRouteBuilder routes) => routes.MapGet(Routes.Audit, ListAsync);

    private Task ListAsync(HttpContext context)
    {
        access.Require(context, TokenRole.Viewer);
        var limit = context.LimitOf();
        var since = context.NumberOf("since") is { } seconds && seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds() ? DateTimeOffset.FromUnixTimeSeconds(seconds) : (DateTimeOffset?)null;
        var filter = new AuditFilter(context.Request.Query["actor"], context.Request.Query["verb"], context.Request.Query["subject"], since);
        // One more than asked for tells whether there is a next page. The head first: what comes meanwhile is only more than it says.
        var head = audit.Head();
        var found = audit.List(filter, limit + 1, context.NumberOf("cursor"));
        var page = found.Take(limit).ToArray();
        return context.AnswerAsync(new AuditList(page, found.Count > limit ? page[^1].Number.ToString(CultureInfo.InvariantCulture) : null, head), ProtocolJson.Default.AuditList);
    }
}
