using System.Globalization;
using ContentTree.Server.Monitoring.Export;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Endpoints;

/// <summary>The fleet as monitoring systems read it.</summary>
internal sealed class ExportEndpoints(MonitoringExport export, TokenAccess access)
{
    private const int MaxFilter = 2000;

    public void Map(IEndpointRouteBuilder routes)
    {
        foreach (var kind in MonitoringExport.Kinds)
            routes.MapGet($"{Routes.Monitoring}/{kind}", context => WriteAsync(context, kind));
    }

    private async Task WriteAsync(HttpContext context, string kind)
    {
        var limit = access.RequireOf(context, TokenRole.Viewer);
        var (filter, port) = (context.Request.Query["q"].ToString(), context.Request.Query["port"].ToString());
        if (filter.Length > MaxFilter)
            throw new ProblemException(ProblemCode.BadRequest, $"a filter has at most {MaxFilter} characters");
        var number = port.Length == 0 ? PrometheusTargets.UsualPort : int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var given) && given is > 0 and <= ushort.MaxValue
            ? given
            : throw new ProblemException(ProblemCode.BadRequest, "a port is a number from 1 to 65535");
        // The first piece shows whether the filter is one, before an answer has begun.
        using var pieces = export.Write(kind, filter, number, limit.Groups).GetEnumerator();
        var hasMore = pieces.MoveNext();
        context.Response.ContentType = MonitoringExport.MediaType(kind);
        await using var writer = new StreamWriter(context.Response.Body, new System.Text.UTF8Encoding(false), leaveOpen: true);
        for (; hasMore; hasMore = pieces.MoveNext())
            await writer.WriteAsync(pieces.Current.AsMemory(), context.RequestAborted);
    }
}
