using ContentTree.Store.Protocol;

namespace ContentTree.Server.Dashboard.Pages;

/// <summary>Filters of the list of devices that somebody keeps for himself.</summary>
internal sealed class FilterPages(Gate gate, SavedFilters filters)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/devices/filters/keep", gate.GroupAction(KeepAsync, TokenRole.Viewer));
        routes.MapPost("/devices/filters/forget", gate.GroupAction(ForgetAsync, TokenRole.Viewer));
    }

    private Task KeepAsync(Visitor visitor, IFormCollection form)
    {
        // Read as the list reads it: nothing of the address is kept as it came.
        var wish = DeviceWish.Of(visitor);
        if (wish.IsEmpty || wish.Problem is not null)
            throw new FormatException(wish.Problem ?? "this is the list of all devices: narrow it first");
        var filter = new SavedFilter(form["name"].ToString().Trim(), wish.Address());
        filters.Keep(visitor.Name, filter);
        return visitor.Go(wish.Path(), $"Kept as '{filter.Name}', for you alone.");
    }

    private Task ForgetAsync(Visitor visitor, IFormCollection form)
    {
        filters.Forget(visitor.Name, form["name"].ToString());
        return visitor.Go(DeviceWish.Of(visitor).Path(), $"'{form["name"]}' is no longer kept.");
    }
}
