using System.Net;
using ContentTree.Server.Auditing;
using ContentTree.Server.Dashboard;
using ContentTree.Server.Dashboard.Login;
using ContentTree.Server.Fleet.Configurations;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;
using ContentTree.Tests.Server;

namespace ContentTree.Tests.Dashboard;

/// <summary>Users who are limited to groups: no page, list, count or file shows them anything of others, and no form changes it.</summary>
public sealed class UserLimitTests : IAsyncLifetime
{
    private readonly List<TestDevice> _devices = [];
    private TestServer _server = null!;
    private ObjectId _commit;

    private Groups Groups => new(_server.Data.OpenDatabase(), _server.Time);

    private KeyId Own => _devices[0].Id;

    private KeyId Other => _devices[1].Id;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.WriteSource("file", "one");
        _commit = _server.Publish().Commit;
        _server.Publish("meadow");
        var configuration = new ConfigurationChanges(_server.Data, _server.Data.OpenDatabase(), _server.Time);
        configuration.Define(ConfigurationKey.Parse("motto"), new ConfigurationKeyRequest("text", false, "what to say"));
        Groups.Set(GroupName.Parse("unlisted-meadow"), null, "");
        foreach (var (group, branch) in new[] { ("lab", "stable"), ("meadow", "meadow") })
        {
            Groups.Set(GroupName.Parse(group), null, "");
            var device = new TestDevice(_server);
            _devices.Add(device);
            (await device.EnrolAsync(_server.NewToken(TokenRole.Enrol), branch, $"{group}-1")).EnsureSuccessStatusCode();
            (await device.PollAsync(branch)).EnsureSuccessStatusCode();
            await device.ReportAsync(new ReportEvent(1, _server.Time.GetUtcNow(), EventKind.Failed, null, null, 1, $"trouble of {group}"));
            await device.SendAsync(Routes.BlackBoxes, new BlackBoxRequest("7-0123abcd", $"last words of {group}"), ProtocolJson.Default.BlackBoxRequest);
            Groups.List(GroupName.Parse(group), device.Id, isListed: true);
            configuration.Set(ConfigurationScope.Parse($"group:{group}"), new ConfigurationRequest(new Dictionary<string, string?> { ["motto"] = $"motto of {group}" }, "x"), "a test");
            var waiting = new TestDevice(_server);
            _devices.Add(waiting);
            (await waiting.EnrolAsync(branch: branch, name: $"{group}-waiting")).EnsureSuccessStatusCode();
            Groups.List(GroupName.Parse(group), waiting.Id, isListed: true);
        }
        // The devices of the two, then those of the two that wait.
        (_devices[1], _devices[2]) = (_devices[2], _devices[1]);
        _server.Data.OpenDatabase().Connect().Execute("UPDATE devices SET serial = 'SN-1'");
        configuration.Set(new ConfigurationScope.Fleet(), new ConfigurationRequest(new Dictionary<string, string?> { ["motto"] = "motto of the meadows" }, "x"), "a test");
        var database = _server.Data.OpenDatabase();
        var steps = new RolloutSteps(_server.Data, database, new Decisions(_server.Data, database, _server.Time), _server.Time);
        foreach (var scope in new[] { "group:lab", "group:meadow" })
            steps.Start(new RolloutRequest(scope, scope == "group:lab" ? $"{_commit}" : "meadow", new RolloutPlan([new RolloutWave(100)], Approval: "start"), $"to {scope}"), new Actor("a test"));
        _server.Policies().SetPlan(PolicyScope.Parse("branch:meadow"), new RolloutPlan([new RolloutWave(100)]), new Actor("a test"));
        new Users(database, _server.Time).Add("leo", TokenRole.Approver, PageClient.Password, ["lab"]);
    }

    public async Task DisposeAsync()
    {
        _devices.ForEach(d => d.Dispose());
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task No_page_shows_anything_of_another_group()
    {
        using var client = await PageClient.LogInAsync(_server, TokenRole.Approver, "leo");
        foreach (var route in PageTable.All.Where(r => r is { Method: "GET", IsGrouped: true, Pattern: not "/live" }))
        {
            foreach (var path in Filled(route.Pattern, isOwn: true))
            {
                var page = await client.ReadAsync(path);
                page.Should().NotContain("meadow", path).And.NotContain($"{Other}", path);
                foreach (var device in _devices.Where((_, i) => i % 2 == 1))
                    page.Should().NotContain($"{device.Id}", path);
            }
            foreach (var path in Filled(route.Pattern, isOwn: false).Except(Filled(route.Pattern, isOwn: true)))
            {
                var answer = await client.GetAsync(path);
                answer.StatusCode.Should().BeOneOf([HttpStatusCode.NotFound, HttpStatusCode.Forbidden], path);
                (await answer.Content.ReadAsStringAsync()).Should().NotContain("meadow-1", path).And.NotContain("motto of", path);
            }
        }
        // And what is its own is there.
        (await client.ReadAsync("/")).Should().Contain("<b>1</b> device<").And.Contain("<b>1</b> to approve").And.Contain("trouble of lab").And.Contain("Rollouts under way").And.NotContain("href=\"/audit\"");
        (await client.ReadAsync("/devices")).Should().Contain("lab-1").And.Contain("2 devices");
        (await client.ReadAsync("/devices.csv")).TrimEnd().Split('\n').Should().HaveCount(3);
        (await client.ReadAsync($"/devices/{Own}")).Should().Contain("motto of lab").And.NotContain($"/devices/{Own}/remove");
        (await client.ReadAsync("/configuration/group:lab")).Should().Contain("motto of lab").And.NotContain("/configuration/group:lab/set");
        (await client.ReadAsync("/rollouts")).Should().Contain("/rollouts/1").And.NotContain("/rollouts/2");
        (await client.ReadAsync("/approvals")).Should().Contain("lab-waiting").And.NotContain("Expected devices");
        (await client.ReadAsync("/groups/lab")).Should().Contain("lab-1").And.NotContain("/groups/lab/add");
        using var admin = await PageClient.LogInAsync(_server);
        (await admin.ReadAsync("/")).Should().Contain("meadow").And.Contain("<b>2</b> devices");
        (await admin.ReadAsync($"/devices/{Own}")).Should().Contain($"{Other}", "the same serial");
    }

    [Fact]
    public async Task A_serial_that_a_device_of_another_group_claims_is_asked_about_without_naming_it()
    {
        using var client = await PageClient.LogInAsync(_server, TokenRole.Approver, "leo");
        await client.ReadAsync("/");
        var waiting = _devices[2].Id;
        _server.Data.OpenDatabase().Connect().Execute("UPDATE devices SET serial = 'SN-8' WHERE id = $id", ("$id", Own));
        var asked = await client.PostAsync("/approvals", ("device", $"{waiting}"), ("decision", "accept"));
        asked.StatusCode.Should().Be(HttpStatusCode.OK);
        (await asked.Content.ReadAsStringAsync()).Should().Contain("not of your groups").And.NotContain($"{Other}");
        _server.Devices().Find(waiting).State.Should().Be(DeviceState.Pending);
    }

    [Fact]
    public async Task No_form_changes_anything_of_another_group()
    {
        using var client = await PageClient.LogInAsync(_server, TokenRole.Approver, "leo");
        await client.ReadAsync("/");
        var before = State();
        foreach (var route in PageTable.All.Where(r => r.Method == "POST" && r.Role is not null && !r.Pattern.Contains("logout", StringComparison.Ordinal)))
        {
            foreach (var path in Filled(route.Pattern, isOwn: false))
                (await client.PostAsync(path, [.. Form(_devices[3].Id, "group:meadow", "meadow")])).StatusCode.Should().NotBe(HttpStatusCode.OK, path);
        }
        State().Should().BeEquivalentTo(before);

        foreach (var path in new[] { "/approvals", $"/devices/{Own}/assign", "/groups/lab", "/rollouts/1/approve", "/plans/edit" })
        {
            await client.ReadAsync("/");
            (await client.PostAsync(path, [.. Form(_devices[2].Id, "group:lab", $"{_commit}")])).StatusCode.Should().Be(HttpStatusCode.SeeOther, path);
        }
        _server.Devices().Find(_devices[2].Id).State.Should().Be(DeviceState.Accepted);
        _server.Devices().Find(Own).Assignment!.Action.Should().Be("hold");
        new PolicyBook(_server.Data.OpenDatabase()).Find(PolicyScope.Parse("group:lab"))!.Plan.Should().NotBeNull();
        new Audit(_server.Data, _server.Time).List(new AuditFilter(Actor: "user leo", Verb: "rollout"), 10).Should().ContainSingle();
    }

    [Fact]
    public async Task Open_pages_hear_that_something_changed_and_nothing_of_what()
    {
        using var client = await PageClient.LogInAsync(_server, TokenRole.Approver, "leo");
        using var request = new HttpRequestMessage(HttpMethod.Get, _server.Url + "/live?seen=nothing");
        request.Headers.TryAddWithoutValidation("Cookie", $"ctree-session={client.Cookie("ctree-session")}");
        using var answer = await _server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        answer.StatusCode.Should().Be(HttpStatusCode.OK);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync());
        var lines = new List<string>();
        while (lines.Count < 5)
            lines.Add((await reader.ReadLineAsync())!);
        lines.Should().Equal("retry: 5000", "", "event: change", "data: ", "");
    }

    [Fact]
    public async Task A_limit_is_set_shown_and_lifted_and_logs_out()
    {
        var users = new Users(_server.Data.OpenDatabase(), _server.Time);
        using var admin = await PageClient.LogInAsync(_server);
        using var leo = await PageClient.LogInAsync(_server, TokenRole.Approver, "leo");
        (await admin.ReadAsync("/users")).Should().Contain("<td data-label=\"Sees\">lab</td>").And.Contain("<td data-label=\"Sees\">the fleet</td>");
        (await ServerCommand.DoAsync("--data", _server.DataPath, "user", "list")).Out.Should().MatchRegex("leo +approver +lab +enabled").And.MatchRegex("ada +admin +all +enabled");
        await ServerCommand.DoAsync("--data", _server.DataPath, "user", "limit", "leo", "--none");
        (await leo.GetAsync("/")).StatusCode.Should().Be(HttpStatusCode.SeeOther, "a session of before has ended");
        using (var again = await PageClient.LogInAsync(_server, TokenRole.Approver, "leo"))
            (await again.ReadAsync("/devices")).Should().Contain("meadow-1");
        await admin.ReadAsync("/users");
        (await admin.DoAsync("/users/limit", ("name", "leo"), ("groups", " "))).Should().Contain("or say that it is to be the whole fleet");
        (await admin.DoAsync("/users/limit", ("name", "leo"), ("groups", "meadow lab"))).Should().Contain("<td data-label=\"Sees\">meadow, lab</td>");
        (await admin.DoAsync("/users/add", ("name", "mia"), ("role", "viewer"), ("password", "another four quiet words"), ("groups", "lab"))).Should().Contain("mia may log in");
        users.Find("mia").Groups.Should().Equal("lab");
        foreach (var role in new[] { TokenRole.Admin, TokenRole.Publisher })
        {
            (await ServerCommand.RunAsync("--data", _server.DataPath, "user", "role", "leo", role)).Exit.Should().NotBe(0, "its limit would mean nothing");
            (await admin.DoAsync("/users/role", ("name", "leo"), ("role", role))).Should().Contain("role=\"alert\"");
        }
        (await ServerCommand.RunAsync("--data", _server.DataPath, "user", "limit", "ada", "--group", "lab")).Exit.Should().NotBe(0, "an admin's is everything");
        (await ServerCommand.RunAsync("--data", _server.DataPath, "user", "limit", "leo")).Exit.Should().Be((int)ExitCode.Usage);
        users.Find("leo").Should().Match<User>(u => u.Role == TokenRole.Approver && u.Groups!.Count == 2);
    }

    [Fact]
    public async Task A_group_that_is_removed_leaves_nothing_open()
    {
        var steps = _server.Data.OpenDatabase();
        steps.Connect().Execute("DELETE FROM rollouts");
        Groups.Remove(GroupName.Parse("lab"));
        Groups.Set(GroupName.Parse("lab"), null, "name~*");
        using var client = await PageClient.LogInAsync(_server, TokenRole.Approver, "leo");
        (await client.ReadAsync("/devices")).Should().Contain("No device has come yet", "a later group of that name is another one");
        (await client.ReadAsync("/groups")).Should().Contain("No group yet");
        (await client.GetAsync("/audit")).StatusCode.Should().Be(HttpStatusCode.Forbidden);
    }

    private static IEnumerable<(string Name, string Value)> Form(KeyId device, string scope, string commit) =>
    [
        ("device", $"{device}"), ("devices", $"{device}"), ("decision", "accept"), ("sure", "yes"), ("action", "hold"), ("scope", scope), ("commit", commit), ("waves", "50%"), ("name", scope.Split(':')[1]), ("list", "SN-7"), ("serial", "SN-7"),
        ("key", "motto"), ("value", "changed"), ("revision", "1"), ("to", "0"), ("filter", "name~*"), ("on-failure", "pause"), ("reason", "because"), ("role", "admin"), ("groups", ""),
    ];

    private IEnumerable<string> Filled(string pattern, bool isOwn)
    {
        var (device, group, rollout) = isOwn ? (Own, "lab", 1) : (Other, "meadow", 2);
        if (pattern.Contains("{scope}", StringComparison.Ordinal))
            return [.. (isOwn ? new[] { $"group:{group}", $"device:{device}" } : [$"group:{group}", $"device:{device}", "fleet"]).Select(scope => pattern.Replace("{scope}", scope, StringComparison.Ordinal))];
        return
        [
            pattern.Replace("/rollouts/{id}", $"/rollouts/{rollout}", StringComparison.Ordinal).Replace("{id}", $"{device}", StringComparison.Ordinal)
                .Replace("{**name}", "meadow", StringComparison.Ordinal).Replace("{name}", group, StringComparison.Ordinal).Replace("{deployment}", "7-0123abcd", StringComparison.Ordinal),
        ];
    }

    private object State()
    {
        var database = _server.Data.OpenDatabase();
        using var connection = database.Connect();
        return new
        {
            Devices = _devices.Select(d => _server.Devices().Find(d.Id)).Select(d => (d.Id, d.State, d.Assignment?.Counter)).ToArray(),
            Groups = Groups.List().ToArray(),
            Policies = new PolicyBook(database).List().Select(p => (p.Scope, p.Action, p.Plan?.Waves.Count, p.Plan?.Waves[0].Percent)).ToArray(),
            Rollouts = RolloutBook.List(connection, 100).Select(r => (r.Id, r.State)).ToArray(),
            Values = connection.Query("SELECT scope, value FROM config_values ORDER BY scope", row => (row.Text("scope"), row.Text("value"))).ToArray(),
            Users = new Users(database, _server.Time).List().Select(u => (u.Name, u.Role, u.Disabled, string.Join(' ', u.Groups ?? ["all"]))).ToArray(),
            Others = connection.Query("SELECT (SELECT count(*) FROM tokens) + (SELECT count(*) FROM webhooks) + (SELECT count(*) FROM expected_devices) AS number", row => row.Number("number"))[0],
        };
    }
}
