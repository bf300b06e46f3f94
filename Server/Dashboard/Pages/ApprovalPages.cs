using System.Text;
using ContentTree.Server.Auditing;
using ContentTree.Server.Endpoints;
using ContentTree.Server.Fleet;
using ContentTree.Server.Fleet.Expected;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Dashboard.Pages;

/// <summary>Devices that wait to be let in, one by one or many at once.</summary>
internal sealed class ApprovalPages(Gate gate, PageRenderer renderer, DeviceView view, Devices devices, ExpectedDevices expected, FleetCounts counts, Audit audit, ILogger log)
{
    private const int PageSize = 50;

    internal sealed record Waiting(IReadOnlyList<DeviceInfo> Devices, long All, KeyId? Next, Coming? Expected);

    /// <summary>Devices that are let in when they come.</summary>
    /// <param name="Unused">A page of those that have not come.</param>
    /// <param name="Next">Begins the next page.</param>
    /// <param name="Text">A list that was sent and not taken.</param>
    /// <param name="Problem">What is wrong with it.</param>
    internal sealed record Coming(IReadOnlyList<ExpectedDeviceInfo> Unused, string? Next, long All, long Used, string Text = "", string? Problem = null);

    internal sealed record Question(IReadOnlyList<DeviceInfo> Devices, bool IsAccept, IReadOnlyList<KeyId> Doubtful);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/approvals", gate.GroupPage(ListAsync));
        routes.MapPost("/approvals", gate.GroupAction(DecideAsync, TokenRole.Operator));
        routes.MapPost("/approvals/expect", gate.Action(ExpectAsync, TokenRole.Operator));
        routes.MapPost("/approvals/unexpect", gate.Action(UnexpectAsync, TokenRole.Operator));
    }

    private Task ListAsync(Visitor visitor) => ListAsync(visitor, "", null);

    private Task ListAsync(Visitor visitor, string text, string? problem)
    {
        KeyId? after = KeyId.TryParse(visitor.Query("after"), out var id) ? id : null;
        var found = visitor.Limit.Show(view.Search(new DeviceFilter(State: DeviceState.Pending, Groups: visitor.Limit.Groups), PageSize + 1, after));
        var page = found.Take(PageSize).ToArray();
        return renderer.ShowAsync<ApprovalsPage>(visitor, new Waiting(page, counts.Read(visitor.Limit.Groups).Of(Standing.Pending), found.Count > PageSize ? page[^1].Id : null,
            visitor.Limit.IsWhole ? ComingOf(visitor, text, problem) : null), problem is null ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest);
    }

    private Coming ComingOf(Visitor visitor, string text, string? problem)
    {
        var (coming, (unused, used)) = (expected.List(isUnused: true, PageSize + 1, visitor.Query("serial")), expected.Count());
        return new Coming([.. coming.Take(PageSize)], coming.Count > PageSize ? coming[PageSize - 1].Serial : null, unused, used, text, problem);
    }

    private Task ExpectAsync(Visitor visitor, IFormCollection form)
    {
        var text = form["list"].ToString();
        try
        {
            var answer = expected.Add(ExpectedList.Parse(Encoding.UTF8.GetBytes(text)), visitor.Actor.Name);
            audit.Note(visitor.Actor, "device.expect", "a list", after: ExpectedEndpoints.Words(answer));
            return visitor.Go("/approvals", $"{Text.Count(answer.Added, "device")} expected, {Text.Count(answer.Known, "line was known", "lines were known")}.{(answer.Waiting > 0 ? $" {Text.Count(answer.Waiting, "device")} with such a serial came before: decide about them here." : "")}");
        }
        catch (FormatException e)
        {
            // Nobody types such a list again.
            return ListAsync(visitor, text, e.Message);
        }
    }

    private Task UnexpectAsync(Visitor visitor, IFormCollection form)
    {
        var serials = form["serial"].OfType<string>().Distinct().ToArray();
        if (serials.Length == 0)
            throw new FormatException("choose at least one serial");
        foreach (var serial in serials)
        {
            expected.Remove(serial);
            audit.Note(visitor.Actor, "device.unexpect", serial);
        }
        return visitor.Go("/approvals", $"{Text.Count(serials.Length, "serial")} expected no more.");
    }

    private Task DecideAsync(Visitor visitor, IFormCollection form)
    {
        var ids = form["device"].Select(KeyId.Parse).Distinct().Select(visitor.Limit.Require).ToArray();
        if (ids.Length == 0)
            throw new FormatException("choose at least one device");
        var isAccept = form["decision"] == "accept";
        var found = ids.Select(view.Find).ToArray();
        var chosen = visitor.Limit.Show(found);
        // A serial that two keys claim is looked at by a person, never let in with many others, also when the other one is not for this person to see.
        var isDoubtful = isAccept && found.Any(d => d.Conflicts is not null);
        if (form["sure"] != "yes" && (!isAccept || isDoubtful))
            return renderer.ShowAsync<DecisionPage>(visitor, new Question(chosen, isAccept, [.. found.Where(d => d.Conflicts is not null).Select(d => d.Id)]));
        foreach (var before in chosen)
        {
            var device = new DeviceVerdicts(devices, audit).Decide(visitor.Actor, before.Id, isAccept ? DeviceState.Accepted : DeviceState.Rejected);
            Log.Decided(log, device.Id, device.State, visitor.Actor.Name);
        }
        counts.Forget();
        return visitor.Go("/approvals", $"{Text.Count(ids.Length, "device")} {(isAccept ? "accepted: they get their branches at their next poll" : "rejected")}.");
    }
}
