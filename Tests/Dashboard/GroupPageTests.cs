using System.Net;
using System.Text.RegularExpressions;
using ContentTree.Server.Auditing;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Server;
using FleetDevice = ContentTree.Tests.Fleet.FleetDevice;
using Group = ContentTree.Server.Fleet.Groups.Group;

namespace ContentTree.Tests.Dashboard;

/// <summary>Groups and what is said of them and of branches, in the browser: looked at before it is done.</summary>
public sealed class GroupPageTests : IAsyncLifetime
{
    private static readonly GroupName Lab = GroupName.Parse("lab");

    private readonly List<FleetDevice> _devices = [];
    private TestServer _server = null!;
    private ObjectId _old;
    private ObjectId _new;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.WriteSource("file", "one");
        _old = _server.Publish().Commit;
        _server.WriteSource("file", "two");
        _new = _server.Publish().Commit;
        for (var i = 0; i < 4; i++)
            _devices.Add(await FleetDevice.EnrolledAsync(_server, name: $"lab-{i}"));
    }

    public async Task DisposeAsync()
    {
        _devices.ForEach(d => d.Dispose());
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task When_its_devices_count_as_silent_is_said_on_its_page()
    {
        using var client = await PageClient.LogInAsync(_server, TokenRole.Operator);
        Groups().Set(Lab, 7, "name==lab-0");
        (await client.ReadAsync("/groups/lab")).Should().Contain("Missed polls (0: never; empty: as the server says)");
        (await client.DoAsync("/groups/lab/silence", ("polls", "5"))).Should().Contain("5 missed polls make its devices silent").And.Contain("after 5 missed polls");
        Groups().Find(Lab).Should().Be(new Group(Lab, 7, "name==lab-0", 1, 5), "everything else is as it was");
        (await client.DoAsync("/groups/lab/silence", ("polls", "0"))).Should().Contain("never, however long");
        await client.DoAsync("/groups/lab/silence", ("polls", ""));
        Groups().Find(Lab).SilentPolls.Should().BeNull();
        foreach (var wrong in new[] { "-2", "many", "99999999999999999999", "10001" })
            (await client.DoAsync("/groups/lab/silence", ("polls", wrong))).Should().Contain("polls", wrong).And.Contain(wrong == "10001" ? "may miss 0" : "issed polls are a number");
        Groups().Find(Lab).SilentPolls.Should().BeNull();
        await client.PostAsync("/groups/nobody/silence", ("polls", "1"));
        Groups().List().Should().ContainSingle();
    }

    [Fact]
    public async Task A_group_is_made_and_changed_after_a_look_at_whom_it_would_hold()
    {
        using var client = await PageClient.LogInAsync(_server, TokenRole.Operator);
        (await client.ReadAsync("/groups")).Should().Contain("No group yet");
        var question = await AskAsync(client, "/groups", ("name", "lab"), ("filter", "name==lab-0 or name==lab-1"), ("rank", ""));
        question.Should().Contain("Group lab with 2 devices?").And.Contain("Set it: 2 devices change");
        Groups().List().Should().BeEmpty("nobody has said yes");
        (await client.DoAsync("/groups", Fields(question))).Should().Contain("Group lab holds 2 devices").And.Contain("by the filter").And.Contain("Nothing. Its devices do");

        (await client.DoAsync("/groups/lab/add", ("devices", $"{_devices[2].Id},\n {_devices[1].Id}"))).Should().Contain("2 devices are in the group").And.Contain("Take out 1 device").And.Contain("Remove the group of 3 devices");
        question = await AskAsync(client, "/groups", ("name", "lab"), ("filter", "name==lab-3"), ("rank", "-5"));
        question.Should().MatchRegex("Holds then</dt>\\s*<dd>3 devices").And.MatchRegex("Come in</dt>\\s*<dd>1 device<").And.MatchRegex("Go out</dt>\\s*<dd>1 device<");
        await client.DoAsync("/groups", Fields(question));
        Groups().Find(Lab).Should().Be(new Group(Lab, -5, "name==lab-3", 3));
        (await client.DoAsync("/groups/lab/drop", ("device", $"{_devices[2].Id}"))).Should().Contain("Remove the group of 2 devices").And.NotContain($"/devices/{_devices[2].Id}");
        (await client.ReadAsync($"/devices/{_devices[1].Id}")).Should().Contain("href=\"/groups/lab\"");
        (await client.ReadAsync("/")).Should().Contain("<a href=\"/groups\"><b>1</b> group</a>");
        (await client.ReadAsync("/groups")).Should().Contain("name==lab-3");
        (await client.DoAsync("/groups/lab/remove")).Should().Contain("is removed").And.Contain("No group yet");
        new Audit(_server.Data, _server.Time).List(new AuditFilter(Actor: "user ada", Verb: "group"), 10).Select(e => e.Verb)
            .Should().Equal("group.remove", "group.drop", "group.set", "group.add", "group.add", "group.set");
    }

    [Fact]
    public async Task What_is_said_of_a_group_is_looked_at_first_and_is_then_what_was_looked_at()
    {
        Groups().Set(Lab, null, "name==lab-0 or name==lab-1");
        using var client = await PageClient.LogInAsync(_server, TokenRole.Operator);
        await client.ReadAsync("/groups/lab");
        var question = await AskAsync(client, "/groups/lab", ("action", "pin"), ("commit", _old.ToString()[..12]), ("reason", "the fair"), ("days", "3"));
        question.Should().Contain("Pin group lab?").And.Contain("Pin: 2 devices change").And.Contain(_old.ToString()).And.Contain(_new.ToString());
        Said(new PolicyScope.Group(Lab)).Should().BeNull("it was looked at only");
        (await client.DoAsync("/groups/lab", Fields(question))).Should().Contain("hear of it at their next poll").And.Contain("user ada").And.Contain("the fair");
        Said(new PolicyScope.Group(Lab))!.Expires.Should().BeCloseTo(_server.Time.GetUtcNow().AddDays(3), TimeSpan.FromMinutes(1));
        foreach (var device in _devices)
            await device.PollAsync();
        _devices.Select(d => d.Running).Should().Equal(_old, _old, _new, _new);
        (await AskAsync(client, "/groups/lab", ("action", "hold"))).Should().Contain("Hold: 0 devices change");

        question = await AskAsync(client, "/groups/lab", ("action", "ceiling"), ("commit", "stable"));
        _server.WriteSource("file", "three");
        _server.Publish();
        await client.DoAsync("/groups/lab", Fields(question));
        Said(new PolicyScope.Group(Lab))!.Commit.Should().Be(_new, "the branch has gone on since somebody looked");
        question = await AskAsync(client, "/groups/lab", ("action", "release"));
        question.Should().Contain("Release: 2 devices change");
        (await client.DoAsync("/groups/lab", Fields(question))).Should().Contain("Taken back").And.Contain("Nothing. Its devices do");
        new Audit(_server.Data, _server.Time).List(new AuditFilter(Actor: "user ada", Verb: "policy"), 10).Select(e => e.Verb).Should().Equal("policy.release", "policy.ceiling", "policy.pin");
    }

    [Fact]
    public async Task The_same_is_said_of_a_branch_on_its_page()
    {
        using var client = await PageClient.LogInAsync(_server, TokenRole.Operator);
        await client.ReadAsync("/branches/stable");
        var question = await AskAsync(client, "/branches/stable", ("action", "pin"), ("commit", _old.ToString()));
        question.Should().Contain("Pin: 4 devices change");
        (await client.DoAsync("/branches/stable", Fields(question))).Should().Contain("hear of it").And.Contain("pin <span class=\"hash\">");
        await ServerCommand.DoAsync("--data", _server.DataPath, "rollout", "start", "--branch", "stable", "--to", $"{_new}");
        (await client.DoAsync("/branches/stable", ("action", "release"), ("sure", "yes"))).Should().Contain("role=\"alert\"").And.Contain("rollout 1 is at work on branch stable").And.Contain("<h1>stable</h1>");
        Said(new PolicyScope.Branch(BranchName.Parse("stable"))).Should().NotBeNull();
    }

    [Fact]
    public async Task A_role_that_only_looks_is_shown_no_forms_and_changes_nothing()
    {
        Groups().Set(Lab, null, "name~lab-*");
        using var client = await PageClient.LogInAsync(_server, TokenRole.Viewer);
        (await client.ReadAsync("/groups/lab")).Should().Contain("lab-3").And.NotContain("<form class=\"panel\"").And.NotContain("/rollouts/start");
        (await client.ReadAsync("/groups")).Should().NotContain("<form class=\"panel\"");
        (await client.ReadAsync("/branches/stable")).Should().Contain("What was said of it").And.NotContain("<form class=\"panel\"");
        foreach (var path in new[] { "/groups", "/groups/lab", "/groups/lab/add", "/groups/lab/drop", "/groups/lab/remove", "/branches/stable" })
            (await client.PostAsync(path, ("name", "lab"), ("action", "hold"), ("devices", $"{_devices[0].Id}"), ("device", $"{_devices[0].Id}"), ("sure", "yes"))).StatusCode.Should().Be(HttpStatusCode.Forbidden, path);
        Groups().Find(Lab).Filter.Should().Be("name~lab-*");
        Said(new PolicyScope.Group(Lab)).Should().BeNull();
        foreach (var path in new[] { "/groups/nobody", "/groups/a%20b", "/groups/%3Cb%3E" })
            (await client.GetAsync(path)).StatusCode.Should().Be(HttpStatusCode.NotFound, path);
    }

    [Theory]
    [InlineData("/groups", "name", "a b", "is no group")]
    [InlineData("/groups", "filter", "sync==behind", "filter asks for id")]
    [InlineData("/groups", "filter", "name ~~ x", "~")]
    [InlineData("/groups", "rank", "first", "a rank is a number")]
    [InlineData("/groups/lab", "action", "pin", "a pin names a commit")]
    [InlineData("/groups/lab", "action", "dance", "is none of follow, pin, ceiling and hold")]
    [InlineData("/groups/lab", "days", "0", "days are a number")]
    [InlineData("/groups/lab", "commit", "nothing", "no branch or commit")]
    [InlineData("/groups/lab/add", "devices", "", "name 1 to 1000 devices")]
    [InlineData("/groups/lab/add", "devices", "0123456789abcdef", "no device 0123456789abcdef")]
    public async Task What_makes_no_sense_is_told_so(string path, string field, string value, string said)
    {
        Groups().Set(Lab, 7, "name==lab-0");
        using var client = await PageClient.LogInAsync(_server, TokenRole.Operator);
        await client.ReadAsync("/groups/lab");
        (string Name, string Value)[] usual = [("name", "lab"), ("filter", "name==lab-1"), ("rank", "1"), ("action", field == "commit" ? "pin" : "hold")];
        (await client.DoAsync(path, [.. usual.Where(f => f.Name != field), (field, value)])).Should().Contain("role=\"alert\"").And.Contain(said);
        Groups().Find(Lab).Should().Be(new Group(Lab, 7, "name==lab-0", 1));
    }

    private static async Task<string> AskAsync(PageClient client, string path, params (string Name, string Value)[] fields)
    {
        var answer = await client.PostAsync(path, fields);
        var text = await answer.Content.ReadAsStringAsync();
        answer.StatusCode.Should().Be(HttpStatusCode.OK, text);
        return text;
    }

    private static (string Name, string Value)[] Fields(string page) =>
        [.. Regex.Matches(page, "<input type=\"hidden\" name=\"([^\"]+)\"(?: value=\"([^\"]*)\")?").Select(m => (m.Groups[1].Value, WebUtility.HtmlDecode(m.Groups[2].Value))).Where(f => f.Item1 != "form-token")];

    private Groups Groups() => new(_server.Data.OpenDatabase(), _server.Time);

    private Policy? Said(PolicyScope scope) => new PolicyBook(_server.Data.OpenDatabase()).Find(scope);
}
