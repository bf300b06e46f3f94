using System.Globalization;
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
internal sealed class ChosenPages(Gate gate, PageRenderer renderer, Devices devices, DeviceView view, PolicyChanges policies, PolicyBook book, FleetCounts counts, Audit audit, ILogger log)
{
    private const string Hold = "hold";
    private const string Follow = "follow";
    private const string OfAll = "-all";
    private const int ShownFailures = 5;
    private const int ShownOfAll = 20;
    private const int PageSize = 500;

    // Each is signed for by itself, while somebody waits.
    private const int MostOfAll = 2000;

    /// <param name="Said">What was said of this device alone, and ends now; null for nothing.</param>
    internal sealed record Item(DeviceInfo Device, Policy? Said);

    /// <param name="Path">The list that they were chosen from, as it was narrowed.</param>
    /// <param name="Matching">How many match, when all that do are meant and <paramref name="Items"/> are the first of them; null where they were chosen one by one.</param>
    /// <param name="Said">Of how many of them something was said that ends now.</param>
    internal sealed record Chosen(IReadOnlyList<Item> Items, bool IsHold, string Path, int? Matching, int Said)
    {
        public int Count => Matching ?? Items.Count;
    }

    // The list's own address: whoever is led back there finds it as it was.
    public void Map(IEndpointRouteBuilder routes) => routes.MapPost("/devices", gate.GroupAction(ActAsync, TokenRole.Operator));

    private Task ActAsync(Visitor visitor, IFormCollection form)
    {
        var said = form["action"].ToString();
        var isAll = said.EndsWith(OfAll, StringComparison.Ordinal);
        var action = isAll ? said[..^OfAll.Length] : said;
        if (action is not (Hold or Follow))
            throw new FormatException("chosen devices are held or released");
        // Read as the list reads it: nothing of the address is passed on.
        var wish = DeviceWish.Of(visitor);
        var path = wish.Path(DeviceWish.AfterOf(visitor));
        visitor.Back = path;
        IReadOnlyList<KeyId> ids = isAll ? Matching(visitor, wish) : [.. form["device"].Select(KeyId.Parse).Distinct()];
        if (ids.Count == 0)
            throw new FormatException(isAll ? "no device is like that" : "choose at least one device");
        if (form["sure"] != "yes")
            return renderer.ShowAsync<ChosenPage>(visitor, new Chosen(
                [.. ids.Take(isAll ? ShownOfAll : ids.Count).Select(id => Look(visitor, id))], action == Hold, path, isAll ? ids.Count : null, ids.Count(id => Said(visitor, id) is not null)));
        var reason = form["reason"].ToString() is { Length: > 0 } why ? BranchMove.Checked(why) : null;
        if (isAll)
        {
            RequireAbout(form["matching"].ToString(), ids.Count);
            audit.Note(visitor.Actor, $"device.{action}{OfAll}", Text.Count(ids.Count, "device"), after: wish.Address(), reason: reason);
        }
        var (done, failed) = Tell(visitor, ids, new AssignmentRequest(action, null, reason, null));
        var verb = action == Hold ? "held" : "released";
        var words = done > 0 ? $"{Text.Count(done, "device")} {verb}: they hear of it at their next poll." : $"No device {verb}.";
        return visitor.Go(path, words + Words(failed), isWrong: failed.Count > 0);
    }

    // Only the ids of all, in the order of the list.
    private List<KeyId> Matching(Visitor visitor, DeviceWish wish)
    {
        if (wish.Problem is { } problem)
            throw new FormatException(problem);
        if (wish.IsEmpty)
            throw new FormatException("narrow the list first; what is for all devices is said of their branch");
        var filter = wish.Filter() with { Groups = visitor.Limit.Groups };
        // Nothing is said of those who were not let in.
        if (filter.State is not (null or DeviceState.Accepted))
            return [];
        for (var found = new List<KeyId>(); ;)
        {
            var page = devices.Search(filter with { State = DeviceState.Accepted }, PageSize, found.Count > 0 ? found[^1] : null);
            found.AddRange(page.Select(device => device.Id));
            if (found.Count > MostOfAll)
                throw new FormatException($"more than {MostOfAll} devices are like that; make a group of them and say it of that");
            if (page.Count < PageSize)
                return found;
        }
    }

    // Somebody has agreed to a number of devices. One that came meanwhile is not worth another question, many others are.
    private static void RequireAbout(string asked, int count)
    {
        if (!int.TryParse(asked, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            throw new FormatException("this form is not complete; load the page again");
        if (Math.Abs((long)count - number) * 10 > number)
            throw new FleetConflictException($"{Text.Count(number, "device was", "devices were")} like that when you were asked, and {Text.Count(count, "is", "are")} now; nothing was done, look again");
    }

    private Item Look(Visitor visitor, KeyId id)
    {
        var device = visitor.Limit.Show(view.Find(visitor.Limit.Require(id)));
        return new Item(device, Said(visitor, id));
    }

    private Policy? Said(Visitor visitor, KeyId id) => book.Find(new PolicyScope.Device(id)) is { } said && !said.IsOver(visitor.Now) ? said : null;

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
