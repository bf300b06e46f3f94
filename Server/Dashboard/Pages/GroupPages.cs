using System.Globalization;
using ContentTree.Server.Auditing;
using ContentTree.Server.Fleet;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Dashboard.Pages;

/// <summary>The groups: who is in them and why, and what was said of them.</summary>
internal sealed class GroupPages(Gate gate, PageRenderer renderer, Database database, Groups groups, DeviceView view, FleetCounts counts, Func<Publishing.BranchRegister> register, Audit audit)
{
    private const int PageSize = 50;
    private const int ShownPositions = 20;
    private const int MaxAdded = 1000;

    internal sealed record Listing(Slice<(Group Group, Policy? Policy)> Groups);

    /// <param name="Next">Where the next page of members begins; null on the last one.</param>
    internal sealed record Single(
        Group Group, PolicyPages.Said Said, IReadOnlyList<DeviceRow> Members, IReadOnlySet<KeyId> Listed, KeyId? Next, bool IsFirst, Rollout? Rollout);

    internal sealed record Question(GroupName Name, long? Rank, string Filter, GroupOutlook Outlook, Policy? Policy);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/groups", gate.GroupPage(ListAsync));
        routes.MapPost("/groups", gate.Action(SetAsync, TokenRole.Operator));
        routes.MapGet("/groups/{name}", gate.GroupPage(ShowAsync));
        routes.MapPost("/groups/{name}/add", gate.Action(AddAsync, TokenRole.Operator));
        routes.MapPost("/groups/{name}/drop", gate.Action(DropAsync, TokenRole.Operator));
        routes.MapPost("/groups/{name}/silence", gate.Action(SilenceAsync, TokenRole.Operator));
        routes.MapPost("/groups/{name}/remove", gate.Action(RemoveAsync, TokenRole.Operator));
    }

    private Task ListAsync(Visitor visitor)
    {
        using var connection = database.Connect();
        var said = PolicyBook.Shared(connection).ToDictionary(p => p.Scope);
        return renderer.ShowAsync<GroupsPage>(visitor, new Listing(Slice.Of<(Group, Policy?)>(
            visitor, [.. groups.List().Where(g => visitor.Limit.Covers(new PolicyScope.Group(g.Name))).Select(g => (g, said.GetValueOrDefault(new PolicyScope.Group(g.Name))))], PageSize)));
    }

    private Task ShowAsync(Visitor visitor)
    {
        var group = groups.Find(GroupName.TryParse(visitor.Route("name"), out var name) && visitor.Limit.Covers(new PolicyScope.Group(name)) ? name : throw new NotFoundException("no such group"));
        var scope = new PolicyScope.Group(group.Name);
        KeyId? after = KeyId.TryParse(visitor.Query("after"), out var id) ? id : null;
        var found = visitor.Limit.Show(view.List(PageSize + 1, after?.ToString(), $"group==\"{group.Name}\"", visitor.Limit.Groups));
        var page = found.Take(PageSize).Select(device => new DeviceRow(device, Standings.Of(device))).ToArray();
        using var connection = database.Connect();
        var positions = counts.BranchesOf(group) is [var branch, ..] && register().List().Any(b => b.Name == branch && b.Commit is not null) ? register().History(branch, ShownPositions) : [];
        return renderer.ShowAsync<GroupPage>(visitor, new Single(
            group, new PolicyPages.Said(scope, PolicyBook.Find(connection, scope), positions), page, page.Length > 0 ? groups.Listed(group.Name, page[0].Device.Id, page[^1].Device.Id) : new HashSet<KeyId>(),
            found.Count > PageSize ? page[^1].Device.Id : null, after is null, RolloutBook.Newest(connection).LastOrDefault(r => r.Scope == scope)));
    }

    private Task SetAsync(Visitor visitor, IFormCollection form)
    {
        var name = GroupName.Parse(form["name"].ToString().Trim());
        var (filter, ranked) = (form["filter"].ToString().Trim(), form["rank"].ToString().Trim());
        long? rank = ranked.Length == 0 ? null : int.TryParse(ranked, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : throw new FormatException($"a rank is a number, not '{ranked}'");
        if (form["sure"] != "yes")
            return renderer.ShowAsync<GroupQuestionPage>(visitor, new Question(name, rank, filter, groups.Preview(name, filter), new PolicyBook(database).Find(new PolicyScope.Group(name))));
        var group = groups.Set(name, rank, filter);
        audit.Note(visitor.Actor, "group.set", group.Name, after: $"rank {group.Rank}, filter {group.Filter}");
        counts.Forget();
        return visitor.Go(PathOf(name), $"Group {name} holds {Text.Count(group.Devices, "device")}.");
    }

    private Task AddAsync(Visitor visitor, IFormCollection form)
    {
        var name = NameOf(visitor);
        KeyId[] ids = [.. form["devices"].ToString().Split([' ', ',', '\r', '\n', '\t'], StringSplitOptions.RemoveEmptyEntries).Select(KeyId.Parse).Distinct()];
        if (ids.Length is 0 or > MaxAdded)
            throw new FormatException($"name 1 to {MaxAdded} devices by their ids");
        foreach (var id in ids)
        {
            groups.List(name, id, isListed: true);
            audit.Note(visitor.Actor, "group.add", name, after: $"{id}");
        }
        counts.Forget();
        return visitor.Go(PathOf(name), $"{Text.Count(ids.Length, "device is", "devices are")} in the group.");
    }

    private Task DropAsync(Visitor visitor, IFormCollection form)
    {
        var (name, device) = (NameOf(visitor), KeyId.Parse(form["device"]));
        groups.List(name, device, isListed: false);
        audit.Note(visitor.Actor, "group.drop", name, after: $"{device}");
        counts.Forget();
        return visitor.Go(PathOf(name), $"{device} is no longer added to the group; where its filter finds it, it stays.");
    }

    private Task SilenceAsync(Visitor visitor, IFormCollection form)
    {
        const long asTheServerSays = -1;
        var (known, polls) = (groups.Find(NameOf(visitor)), form["polls"].ToString().Trim());
        var count = polls.Length == 0 ? asTheServerSays
            : long.TryParse(polls, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw new FormatException($"missed polls are a number, not '{polls}'");
        var group = groups.Set(known.Name, null, null, count);
        audit.Note(visitor.Actor, "group.set", group.Name, $"silent after {Polls(known)} polls", $"silent after {Polls(group)} polls");
        counts.Forget();
        return visitor.Go(PathOf(group.Name), group.SilentPolls switch
        {
            null => "As many missed polls as the server says make its devices silent.",
            0 => "Its devices never count as silent.",
            { } after => $"{Text.Count(after, "missed poll makes", "missed polls make")} its devices silent.",
        });

        static string Polls(Group group) => group.SilentPolls is { } set ? set.ToString(CultureInfo.InvariantCulture) : "the server's";
    }

    private Task RemoveAsync(Visitor visitor, IFormCollection form)
    {
        var name = NameOf(visitor);
        groups.Remove(name);
        audit.Note(visitor.Actor, "group.remove", name);
        counts.Forget();
        return visitor.Go("/groups", $"Group {name} is removed, and what was said of it; its devices stay.");
    }

    private static GroupName NameOf(Visitor visitor) => GroupName.Parse(visitor.Route("name"));

    private static string PathOf(GroupName name) => $"/groups/{name}";
}
