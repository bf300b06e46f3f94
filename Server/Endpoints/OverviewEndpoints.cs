using ContentTree.Server.Dashboard;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Endpoints;

/// <summary>How the fleet stands, in one answer.</summary>
internal sealed class OverviewEndpoints(FleetOverview overview, TokenAccess access)
{
    public void Map(IEndpointRouteBuilder routes) => routes.MapGet(Routes.Overview, ShowAsync);

    private Task ShowAsync(HttpContext context)
    {
        access.Require(context, TokenRole.Viewer);
        return context.AnswerAsync(overview.Read(), ProtocolJson.Default.OverviewInfo);
    }
}
