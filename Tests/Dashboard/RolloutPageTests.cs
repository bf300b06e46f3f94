using System.Net;
using System.Text.RegularExpressions;
using ContentTree.Server.Auditing;
using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Fleet;
using ContentTree.Tests.Server;

namespace ContentTree.Tests.Dashboard;

/// <summary>Rollouts in the browser: started after a look at whom they reach, watched, steered and taken back.</summary>
public sealed class RolloutPageTests : IAsyncLifetime
{
    private readonly List<FleetDevice> _devices = [];
    private TestServer _server = null!;
    private ObjectId _old;
    private ObjectId _new;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.WriteSource("file", "one");
        _old = _server.Publish().Commit;
        for (var i = 0; i < 4; i++)
            _devices.Add(await FleetDevice.EnrolledAsync(_server, name: $"lab-{i}"));
        await ServerCommand.DoAsync("--data", _server.DataPath, "branch", "pin", "stable", $"{_old}");
        _server.WriteSource("file", "two");
        _new = _server.Publish().Commit;
        await PollAsync();
    }

    public async Task DisposeAsync()
    {
        _devices.ForEach(d => d.Dispose());
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task It_is_asked_about_with_the_number_of_devices_before_anything_begins()
    {
        using var client = await PageClient.LogInAsync(_server, TokenRole.Operator);
        (await client.ReadAsync("/rollouts/start?scope=branch:stable")).Should().Contain("<option value=\"branch:stable\" selected>branch stable, 4 devices</option>");
        var question = await (await client.PostAsync("/rollouts/start", Form(waves: $"{_devices[0].Id}, {_devices[1].Id}\n100%"))).Content.ReadAsStringAsync();
        question.Should().Contain("Start for 4 devices").And.Contain("<td data-label=\"Devices\" class=\"number\">2</td>").And.Contain(_old.ToString());
        Rollouts().Should().BeEmpty("nobody has said yes");
        Fields(question).Should().Contain(("commit", _new.ToString()), "what goes out is what was seen, wherever the branch is by then");

        _server.WriteSource("file", "three");
        _server.Publish();
        var page = await client.DoAsync("/rollouts/start", Fields(question));
        page.Should().Contain("It has begun").And.Contain(">running</span>").And.Contain("Leave 4 devices where they are");
        Rollouts().Should().ContainSingle().Which.Commit.Should().Be(_new);
        (await client.ReadAsync("/rollouts")).Should().Contain("1 of 2").And.Contain("by user ada");
        (await client.ReadAsync("/")).Should().Contain("Rollouts under way");
        (await client.DoAsync("/rollouts/start", Fields(question))).Should().Contain("rollout 1 is at work on branch stable");
        new Audit(_server.Data, _server.Time).List(new AuditFilter(Actor: "user ada", Verb: "rollout"), 10).Select(e => e.Verb).Should().Equal("rollout.start");
    }

    [Fact]
    public async Task Waves_are_shown_against_their_thresholds_and_failures_by_their_reasons()
    {
        using var client = await PageClient.LogInAsync(_server, TokenRole.Operator);
        await StartAsync(client, $"{_devices[0].Id},{_devices[1].Id},{_devices[2].Id}\n100%", ("max-failures", "2"));
        _devices[1].Bad = _devices[2].Bad = _new;
        await PollAsync();
        await _devices[1].ComplainAsync(_new, "<b>no</b> network");
        await _devices[2].ComplainAsync(_new, "<b>no</b> network");
        await UntilAsync(RolloutState.Paused);
        var page = await client.ReadAsync("/rollouts/1");
        page.Should().Contain("2 of 3 devices failed.").And.Contain("confirmed 1, needs 3").And.Contain("failed 2, stops at 2").And.Contain("aria-label=\"1 confirmed, 2 failed\"")
            .And.Contain("&lt;b&gt;no&lt;/b&gt; network</strong> <span class=\"quiet\">2 devices").And.Contain($"/devices/{_devices[1].Id}").And.Contain($"/devices/{_devices[2].Id}").And.MatchRegex("(?s)Confirmed over time.*failed 2</span>.*of [0-9]+ devices</span>");
        page.Should().Contain("confirmed 1, needs 4", "the next wave's threshold counts the devices of this one");
        Regex.Matches(page, "<line class=\"mark\" x1=\"997\"").Should().HaveCount(2);
        (await client.ReadAsync("/rollouts")).Should().Contain("2 of 3 devices failed").And.Contain(">1 of 3</td>");

        (await client.DoAsync("/rollouts/1/resume")).Should().Contain("stops at 4", "these two are forgiven");
        (await client.DoAsync("/rollouts/1/revert", ("reason", "no network"))).Should().Contain("Reverted user ada: no network.");
        await PollAsync();
        _devices.Select(d => d.Running).Distinct().Should().Equal(_old);
    }

    [Fact]
    public async Task People_steer_it_each_by_what_the_role_allows()
    {
        using var client = await PageClient.LogInAsync(_server, TokenRole.Operator);
        await StartAsync(client, $"{_devices[0].Id}\n{_devices[1].Id},{_devices[2].Id}\n100%", ("approval", "start"));
        (await client.ReadAsync("/rollouts/1")).Should().Contain("Waits for approval.").And.NotContain("/rollouts/1/approve");
        (await client.PostAsync("/rollouts/1/approve")).StatusCode.Should().Be(HttpStatusCode.Forbidden);
        using var approver = await PageClient.LogInAsync(_server, TokenRole.Approver, "bob");
        (await approver.ReadAsync("/rollouts/1")).Should().Contain("Let it reach 1 device");
        (await approver.DoAsync("/rollouts/1/approve", ("reason", "read the changes"))).Should().Contain("user bob: read the changes");
        await PollAsync();
        (await client.ReadAsync("/rollouts/1")).Should().Contain("Go on to 2 devices").And.Contain("Take 1 device back").And.Contain("Pause it for 3 devices");
        await client.DoAsync("/rollouts/1/pause", ("reason", "lunch"));
        (await client.ReadAsync("/rollouts/1")).Should().Contain("Paused user ada: lunch.");
        await client.DoAsync("/rollouts/1/resume");
        (await client.DoAsync("/rollouts/1/next")).Should().Contain("Wave 2 is running");
        await PollAsync();
        _devices.Count(d => d.Running == _new).Should().Be(3);
        (await client.DoAsync("/rollouts/1/abort")).Should().Contain("every device stays where it is").And.NotContain("/rollouts/1/abort");
        (await client.DoAsync("/rollouts/1/pause")).Should().Contain("is aborted, so it cannot be told");

        using var viewer = await PageClient.LogInAsync(_server, TokenRole.Viewer, "vera");
        (await viewer.ReadAsync("/rollouts/1")).Should().Contain(">aborted</span>").And.NotContain("/rollouts/1/revert");
        (await viewer.ReadAsync("/rollouts")).Should().NotContain("/rollouts/start");
        foreach (var verb in RolloutSteps.Verbs)
            (await viewer.PostAsync($"/rollouts/1/{verb}")).StatusCode.Should().Be(HttpStatusCode.Forbidden, verb);
        (await viewer.GetAsync("/rollouts/start")).StatusCode.Should().Be(HttpStatusCode.Forbidden);
        (await viewer.PostAsync("/rollouts/start", [.. Form(), ("sure", "yes")])).StatusCode.Should().Be(HttpStatusCode.Forbidden);
        foreach (var path in new[] { "/rollouts/7", "/rollouts/x", "/rollouts/99999999999999999999" })
            (await viewer.GetAsync(path)).StatusCode.Should().Be(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("waves", "ten", "'ten'")]
    [InlineData("waves", "50%\n10%", "shares of the waves rise")]
    [InlineData("waves", "", "at least one wave")]
    [InlineData("soak", "soon", "a time such as")]
    [InlineData("success", "0%", "a share such as")]
    [InlineData("concurrent", "-1", "a number of devices")]
    [InlineData("window", "noon", "is no window")]
    [InlineData("max-failures", "none", "failures are a number")]
    [InlineData("scope", "device:0123456789abcdef", "a group or a branch")]
    [InlineData("scope", "group:nobody", "no group nobody")]
    [InlineData("commit", "edge", "no branch or commit")]
    public async Task A_plan_that_makes_no_sense_is_told_so_and_nothing_begins(string field, string value, string said)
    {
        using var client = await PageClient.LogInAsync(_server, TokenRole.Operator);
        await client.ReadAsync("/rollouts/start");
        (await client.DoAsync("/rollouts/start", [.. Form().Where(f => f.Name != field), (field, value)])).Should().Contain("role=\"alert\"").And.Contain(WebUtility.HtmlEncode(said).Replace("&#39;", "&#x27;", StringComparison.Ordinal));
        Rollouts().Should().BeEmpty();
    }

    private static (string Name, string Value)[] Form(string waves = "100%") => [("scope", "branch:stable"), ("commit", "stable"), ("waves", waves), ("success", "90%"), ("soak", "1h"), ("max-failures", "5%"), ("on-failure", "pause")];

    private static async Task StartAsync(PageClient client, string waves, params (string Name, string Value)[] others)
    {
        await client.ReadAsync("/rollouts/start");
        await client.DoAsync("/rollouts/start", [.. Form(waves).Where(f => others.All(o => o.Name != f.Name)), .. others, ("sure", "yes")]);
    }

    private static (string Name, string Value)[] Fields(string page) =>
        [.. Regex.Matches(page, "<input type=\"hidden\" name=\"([^\"]+)\" value=\"([^\"]*)\"").Select(m => (m.Groups[1].Value, WebUtility.HtmlDecode(m.Groups[2].Value))).Where(f => f.Item1 != "form-token")];

    private IReadOnlyList<Rollout> Rollouts()
    {
        using var connection = _server.Data.OpenDatabase().Connect();
        return RolloutBook.List(connection, 10);
    }

    private async Task UntilAsync(RolloutState state)
    {
        for (var i = 0; i < 200 && Rollouts()[0].State != state; i++)
            await Task.Delay(50);
        Rollouts()[0].State.Should().Be(state);
    }

    private async Task PollAsync()
    {
        foreach (var device in _devices)
            await device.PollAsync();
    }
}
