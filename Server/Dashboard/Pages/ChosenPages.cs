using ContentTree.Server.Auditing;
using ContentTree.Server.Endpoints;
using ContentTree.Server.Fleet;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Dashboard.Pages;

/// <summary>What is done with devices that somebody has chosen in the list: asked about once, then said of each by itself.</summary>
internal sealed class ChosenPages(Gate gate, PageRenderer renderer, DeviceView view, PolicyChanges policies, PolicyBook book, FleetCounts counts, ILogger log)
{
    private const string Hold = "hold";
    private const string Follow = "follow";
    private const int ShownFailures = 5;

    /// <param name="Said">What was said of this device alone, and ends now; null for nothing.</param>
    internal sealed record Item(DeviceInfo Device, Policy? Said);

    /// <param name="Path">The list that they were chosen from, as it was narrowed.</param>
    internal sealed record Chosen(IReadOnlyList<Item> Items, bool IsHold, string Path);

    // The list's own address: whoever is led back there finds it as it was.
    public void Map(IEndpointRouteBuilder routes) => routes.MapPost("/devices", gate.GroupAction(ActAsync, TokenRole.Operator));

    private Task ActAsync(Visitor visitor, IFormCollection form)
    {
        var ids = form["device"].Select(KeyId.Parse).Distinct().ToArray();
        var action = form["action"].ToString();
        if (ids.Length == 0)
            throw new FormatException("choose at least one device");
        if (action is not (Hold or Follow))
            throw new FormatException("chosen devices are held or released");
        // Read as the list reads it: nothing of the address is passed on.
        var path = DeviceWish.Of(visitor).Path(DeviceWish.AfterOf(visitor));
        if (form["sure"] != "yes")
            return renderer.ShowAsync<ChosenPage>(visitor, new Chosen([.. ids.Select(id => Look(visitor, id))], action == Hold, path));
        var reason = form["reason"].ToString() is { Length: > 0 } said ? BranchMove.Checked(said) : null;
        var (done, failed) = Tell(visitor, ids, new AssignmentRequest(action, null, reason, null));
        var verb = action == Hold ? "held" : "released";
        var words = done > 0 ? $"{Text.Count(done, "device")} {verb}: they hear of it at their next poll." : $"No device {verb}.";
        return visitor.Go(path, words + Words(failed), isWrong: failed.Count > 0);
    }

    private Item Look(Visitor visitor, KeyId id)
    {
        var device = visitor.Limit.Show(view.Find(visitor.Limit.Require(id)));
        return new Item(device, book.Find(new PolicyScope.Device(id)) is { } said && !said.IsOver(visitor.Now) ? said : null);
    }

    // Each is signed and written down by itself: one that is gone, or that somebody else has just spoken to, keeps none of the others from it.
    private (int Done, IReadOnlyList<(KeyId Id, string Why)> Failed) Tell(Visitor visitor, IReadOnlyList<KeyId> ids, AssignmentRequest request)
    {
        var (done, failed) = (0, new List<(KeyId, string)>());
        try
        {
            foreach (var id in ids)
            {
                try
                {
                    var told = Assign(visitor.Limit.Require(id), request, visitor.Actor);
                    done++;
                    Log.Assigned(log, id, told.Action, told.Commit, visitor.Actor.Name);
                }
                catch (Exception e) when (e is BranchMovedException or NotFoundException)
                {
                    failed.Add((id, e.Message));
                }
            }
        }
        finally
        {
            counts.Forget();
        }
        return (done, failed);
    }

    private AssignmentInfo Assign(KeyId id, AssignmentRequest request, Actor by)
    {
        try
        {
            return policies.Assign(id, request, by);
        }
        catch (BranchMovedException)
        {
            // Somebody, or a rollout, told it something in the same moment: once more, after that.
            return policies.Assign(id, request, by);
        }
    }

    private static string Words(IReadOnlyList<(KeyId Id, string Why)> failed) => failed.Count == 0 ? "" :
        $" Not these: {string.Join("; ", failed.Take(ShownFailures).Select(f => $"{f.Id} ({f.Why})"))}{(failed.Count > ShownFailures ? $"; and {failed.Count - ShownFailures} more" : "")}.";
}
