using ContentTree.Server.Auditing;
using ContentTree.Server.Endpoints;
using ContentTree.Server.Fleet;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Dashboard.Pages;

/// <summary>Devices that wait to be let in, one by one or many at once.</summary>
internal sealed class ApprovalPages(Gate gate, PageRenderer renderer, DeviceView view, Devices devices, FleetCounts counts, Audit audit, ILogger log)
{
    private const int PageSize = 100;

    internal sealed record Waiting(IReadOnlyList<DeviceInfo> Devices, long All, KeyId? Next);

    internal sealed record Question(IReadOnlyList<DeviceInfo> Devices, bool IsAccept);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/approvals", gate.Page(ListAsync));
        routes.MapPost("/approvals", gate.Action(DecideAsync, TokenRole.Operator));
    }

    private Task ListAsync(Visitor visitor)
    {
        KeyId? after = KeyId.TryParse(visitor.Query("after"), out var id) ? id : null;
        var found = view.Search(new DeviceFilter(State: DeviceState.Pending), PageSize + 1, after);
        var page = found.Take(PageSize).ToArray();
        return renderer.ShowAsync<ApprovalsPage>(visitor, new Waiting(page, counts.Read().Of(Standing.Pending), found.Count > PageSize ? page[^1].Id : null));
    }

    private Task DecideAsync(Visitor visitor, IFormCollection form)
    {
        var ids = form["device"].Select(KeyId.Parse).Distinct().ToArray();
        if (ids.Length == 0)
            throw new FormatException("choose at least one device");
        var isAccept = form["decision"] == "accept";
        var chosen = ids.Select(view.Find).ToArray();
        // A serial that two keys claim is looked at by a person, never let in with many others.
        var isDoubtful = isAccept && chosen.Any(d => d.Conflicts is not null);
        if (form["sure"] != "yes" && (!isAccept || isDoubtful))
            return renderer.ShowAsync<DecisionPage>(visitor, new Question(chosen, isAccept));
        foreach (var before in chosen)
        {
            var device = devices.Decide(before.Id, isAccept ? DeviceState.Accepted : DeviceState.Rejected);
            Log.Decided(log, device.Id, device.State, visitor.Actor.Name);
            audit.Note(visitor.Actor, isAccept ? "device.accept" : "device.reject", device.Id, $"{before.State}", $"{device.State}");
        }
        counts.Forget();
        return visitor.Go("/approvals", $"{Text.Count(ids.Length, "device")} {(isAccept ? "accepted: they get their branches at their next poll" : "rejected")}.");
    }
}
