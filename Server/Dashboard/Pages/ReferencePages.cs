using ContentTree.Server.Endpoints;

namespace ContentTree.Server.Dashboard.Pages;

/// <summary>What programs may ask of this server, from the table that its documents are made of.</summary>
internal sealed class ReferencePages(Gate gate, PageRenderer renderer)
{
    internal sealed record Reference(IReadOnlyList<ApiRoute> ForPeople, IReadOnlyList<ApiRoute> ForDevices);

    public void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/reference", gate.Page(visitor => renderer.ShowAsync<ReferencePage>(visitor, new Reference(RouteTable.ForPeople, RouteTable.ForDevices))));
}
