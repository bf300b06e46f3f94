using System.Runtime.CompilerServices;
using ContentTree.Server.Auditing;
using ContentTree.Server.Commands;
using ContentTree.Server.Endpoints;
using ContentTree.Server.Fleet;
using ContentTree.Server.Fleet.Configurations;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Dashboard.Pages;

/// <summary>The devices: all of them by pages, and each by itself with what can be done about it.</summary>
internal sealed class DevicePages(
    Gate gate, PageRenderer renderer, DeviceList list, DeviceView view, Devices devices, PolicyChanges policies, Configurations configurations, BlackBoxes boxes, FleetCounts counts, SavedFilters filters,
    DeviceDeployments deployments, FetchSizes sizes, Func<BranchRegister> register, Audit audit, ServerOptions options, ILogger log)
{
    private const int PageSize = 50;
    private const int ExportSize = 500;
    private const int ShownBoxes = 3;

    // What went wrong stands at the end, and three whole boxes are most of a megabyte with each refresh.
    private const int ShownCharacters = 4000;

    /// <param name="Next">Where the next page begins; null on the last one.</param>
    /// <param name="After">The device before this page; null on the first one.</param>
    internal sealed record Listing(IReadOnlyList<DeviceRow> Rows, DeviceWish Wish, KeyId? Next, KeyId? After, long Matching, IReadOnlyList<BranchName> Branches, IReadOnlyList<SavedFilter> Kept);

    /// <param name="Info">Of older ones without the text.</param>
    /// <param name="IsWhole">Whether that is all of the text.</param>
    internal sealed record Box(BlackBoxInfo Info, bool IsWhole);

    internal sealed record Single(
        DeviceInfo Device, Standing Standing, IReadOnlyList<Box> Boxes, IReadOnlyList<BranchPositionInfo> Positions, TimeSpan PollInterval, DeviceConfiguration Configuration, DeviceDeployments.History History)
    {
        public IReadOnlyList<string> Kept => [.. History.Kept.Select(digits => Positions.Select(p => p.Commit.ToString()).FirstOrDefault(id => id.StartsWith(digits, StringComparison.Ordinal)) ?? digits)];
    }

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/devices", gate.GroupPage(ListAsync));
        routes.MapGet("/devices.csv", gate.GroupPage(ExportAsync));
        routes.MapGet("/devices/{id}", gate.GroupPage(ShowAsync));
        routes.MapGet("/devices/{id}/boxes/{deployment}", gate.GroupPage(SendBoxAsync));
        routes.MapPost("/devices/{id}/accept", gate.GroupAction((visitor, _) => DecideAsync(visitor, DeviceState.Accepted), TokenRole.Operator));
        routes.MapPost("/devices/{id}/reject", gate.GroupAction((visitor, _) => DecideAsync(visitor, DeviceState.Rejected), TokenRole.Operator));
        routes.MapPost("/devices/{id}/assign", gate.GroupAction(AssignAsync, TokenRole.Operator));
        routes.MapPost("/devices/{id}/remove", gate.Action(RemoveAsync, TokenRole.Operator));
    }

    private Task ListAsync(Visitor visitor)
    {
        var wish = DeviceWish.Of(visitor);
        var after = DeviceWish.AfterOf(visitor);
        var found = list.Read(wish, PageSize + 1, after, visitor.Limit.Groups);
        var rows = found.Take(PageSize).ToArray();
        var fleet = counts.Read(visitor.Limit.Groups);
        return renderer.ShowAsync<DevicesPage>(visitor, new Listing(
            rows, wish, found.Count > PageSize ? rows[^1].Device.Id : null, after, wish.IsCountable ? wish.Count(fleet) : -1, [.. fleet.Branches.Select(b => b.Branch)], filters.Of(visitor.Name)));
    }

    private Task ExportAsync(Visitor visitor)
    {
        // Before anything of the file is sent.
        var wish = DeviceWish.Of(visitor);
        return wish.Problem is { } problem ? throw new FormatException(problem) : visitor.SendAsync("text/csv; charset=utf-8", "devices.csv", ExportAsync(wish, visitor.Limit.Groups));
    }

    private async IAsyncEnumerable<string> ExportAsync(DeviceWish wish, IReadOnlyList<string>? groups, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        yield return "id,name,standing,state,branch,sequence,running,wanted,target,boot,hardware,architecture,serial,enrolled,last seen,last event,silent since,agent,kernel,memory,size,free,inodes,etc added,etc changed,etc removed\n";
        KeyId? after = null;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            var page = list.Read(wish, ExportSize, after, groups);
            foreach (var (device, standing) in page)
                yield return Csv.Line(device.Id, device.Name, Standings.Word(standing), device.State, device.Branch, device.Sequence, device.Running, device.Wanted, device.Target, device.Boot,
                    device.Hardware, device.Architecture, device.Serial, Printing.Time(device.Enrolled), device.LastSeen is null ? null : Printing.Time(device.LastSeen), device.LastEvent?.Kind,
                    device.Silent is null ? null : Printing.Time(device.Silent), device.Inventory?.Agent, device.Inventory?.Kernel, device.Inventory?.Memory, device.Inventory?.Size, device.Inventory?.Free, device.Inventory?.Inodes,
                    device.Drift?.Added, device.Drift?.Changed, device.Drift?.Removed);
            if (page.Count < ExportSize)
                yield break;
            after = page[^1].Device.Id;
            await Task.Yield();
        }
    }

    private Task ShowAsync(Visitor visitor)
    {
        var device = visitor.Limit.Show(view.Find(IdOf(visitor)));
        var shown = boxes.List(device.Id).Select((box, number) => number < ShownBoxes ? EndOf(device.Id, box.Deployment) : new Box(box, false)).ToArray();
        return renderer.ShowAsync<DevicePage>(visitor, new Single(
            device, Standings.Of(device), shown, PositionsOf(device.Branch), options.PollInterval, configurations.Show(device.Id), deployments.Read(device.Id)));
    }

    private Box EndOf(KeyId device, string deployment)
    {
        var (box, length) = boxes.ReadEnd(device, deployment, ShownCharacters);
        return new Box(box, length <= ShownCharacters);
    }

    // As text that no browser takes for anything else.
    private Task SendBoxAsync(Visitor visitor)
    {
        var device = visitor.Limit.Show(view.Find(IdOf(visitor)));
        var box = boxes.Read(device.Id, visitor.Route("deployment"));
        visitor.Context.Response.ContentType = "text/plain; charset=utf-8";
        return visitor.Context.Response.WriteAsync(box.Text ?? "", visitor.Context.RequestAborted);
    }

    private IReadOnlyList<BranchPositionInfo> PositionsOf(BranchName branch)
    {
        try
        {
            return register().History(branch, 20);
        }
        catch (Store.Repositories.NotFoundException)
        {
            return [];
        }
    }

    private Task DecideAsync(Visitor visitor, DeviceState state)
    {
        var device = new DeviceVerdicts(devices, audit).Decide(visitor.Actor, IdOf(visitor), state);
        Log.Decided(log, device.Id, device.State, visitor.Actor.Name);
        counts.Forget();
        return visitor.Go($"/devices/{device.Id}", state == DeviceState.Accepted ? "Accepted: it gets its branch at its next poll." : "Rejected: it gets nothing until it is accepted.");
    }

    private Task AssignAsync(Visitor visitor, IFormCollection form)
    {
        var id = IdOf(visitor);
        var action = form["action"].ToString();
        var days = form["days"].ToString();
        var request = new AssignmentRequest(action, action == "pin" ? form["commit"].ToString().Trim() : null, form["reason"].ToString() is { Length: > 0 } reason ? BranchMove.Checked(reason) : null,
            int.TryParse(days, out var count) && count is > 0 and <= 3650 ? visitor.Now.AddDays(count) : days.Length == 0 ? null : throw new FormatException("days are a number from 1 to 3650"));
        visitor.Back = $"/devices/{id}";
        if (action == "pin" && form["sure"] != "yes")
        {
            // What was looked at is what is said, also when a branch goes on meanwhile.
            var scope = new PolicyScope.Device(id);
            var (preview, commit, needs) = policies.Look(scope, new PolicyRequest(action, request.Commit, request.Reason, request.Expires), visitor.Actor.Name);
            return renderer.ShowAsync<PolicyQuestionPage>(visitor, new PolicyPages.Question(scope, action, commit, preview, sizes.Of(needs), $"/devices/{id}/assign",
                [("action", action), ("commit", commit?.ToString() ?? ""), ("reason", form["reason"].ToString()), ("days", days)]));
        }
        var told = policies.Assign(id, request, visitor.Actor);
        Log.Assigned(log, id, told.Action, told.Commit, visitor.Actor.Name);
        counts.Forget();
        return visitor.Go($"/devices/{id}", told.Action switch
        {
            "pin" => "Pinned: it hears of it at its next poll.",
            "hold" => "Held: it hears of it at its next poll.",
            _ => "Released: it follows its branch again from its next poll on.",
        });
    }

    private Task RemoveAsync(Visitor visitor, IFormCollection form)
    {
        var id = IdOf(visitor);
        new DeviceVerdicts(devices, audit).Remove(visitor.Actor, id);
        Log.Removed(log, id, visitor.Actor.Name);
        counts.Forget();
        return visitor.Go("/devices", $"Device {id} is removed, with its events and black boxes.");
    }

    private static KeyId IdOf(Visitor visitor) => KeyId.TryParse(visitor.Route("id"), out var id) ? visitor.Limit.Require(id) : throw new ProblemException(ProblemCode.NotFound, "a device's id has 16 hex digits");
}
