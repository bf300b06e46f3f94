using System.Net;
using System.Text.RegularExpressions;
using ContentTree.Server.Auditing;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Server;

namespace ContentTree.Tests.Dashboard;

/// <summary>Plans in the browser, without scripts: made, changed and taken away, with what is wrong beside its field and nobody's change undone unseen.</summary>
public sealed class PlanPageTests : IAsyncLifetime
{
    private static readonly PolicyScope Stable = new PolicyScope.Branch(BranchName.Parse("stable"));

    private TestServer _server = null!;
    private ObjectId _commit;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.WriteSource("file", "one");
        _commit = _server.Publish().Commit;
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task A_plan_is_made_changed_and_taken_away()
    {
        using var client = await PageClient.LogInAsync(_server, TokenRole.Operator);
        (await client.ReadAsync("/plans")).Should().Contain("None yet");
        var form = await client.ReadAsync("/plans/edit?scope=branch:stable");
        WebUtility.HtmlDecode(form).Should().Contain("<option value=\"branch:stable\" selected>").And.Contain(">1%\n10%\n100%</textarea>").And.NotContain("/plans/remove");
        var listed = "0123456789abcdef, fedcba9876543210\n50%";
        (await SaveAsync(client, form, ("waves", listed), ("success", "80%"), ("soak", "90m"), ("max-failures", "3"), ("on-failure", "revert"), ("concurrent", "5"), ("window", "22:00-04:00"), ("approval", "each"), ("patience", "2d")))
            .StatusCode.Should().Be(HttpStatusCode.SeeOther);
        var plan = Present()!.Plan!;
        (plan.Waves[0].Devices!.Count, plan.Waves[1].Percent, plan.Success, plan.Soak, plan.MaxFailures, plan.OnFailure, plan.Concurrent, plan.Window, plan.Approval, plan.Patience)
            .Should().Be((2, 50.0, 80, 5400L, "3", "revert", 5, "22:00-04:00", "each", 172800L));
        Present()!.Commit.Should().Be(_commit, "until a new head comes devices stay where the branch is");
        (await client.ReadAsync("/plans")).Should().Contain("2 devices, 50 %").And.Contain("before each wave").And.Contain("user ada");

        var filled = await client.ReadAsync("/plans/edit?scope=branch:stable");
        WebUtility.HtmlDecode(filled).Should().Contain($">{listed}</textarea>").And.Contain("name=\"soak\" value=\"90m\"").And.Contain("value=\"each\" selected").And.Contain("value=\"revert\" selected").And.Contain("name=\"patience\" value=\"2d\"");
        (await SaveAsync(client, filled, ("waves", "100%"), ("window", ""))).StatusCode.Should().Be(HttpStatusCode.SeeOther);
        (Present()!.Plan!.Waves.Single().Percent, Present()!.Plan!.Window).Should().Be((100.0, null));
        (await client.ReadAsync("/branches/stable")).Should().Contain("/plans/edit?scope=branch%3Astable");

        var last = await client.ReadAsync("/plans/edit?scope=branch:stable");
        (await client.DoAsync("/plans/remove", ("scope", "branch:stable"), ("seen", Seen(last)))).Should().Contain("None yet").And.Contain("stays pinned");
        (Present()!.Plan, Present()!.Commit).Should().Be((null, _commit));
        new Audit(_server.Data, _server.Time).List(new AuditFilter(Actor: "user ada", Verb: "policy"), 10).Select(e => e.Verb).Should().Equal("policy.no-plan", "policy.plan", "policy.plan");
    }

    [Theory]
    [InlineData("waves", "ten", "'ten'")]
    [InlineData("waves", "50%\n10%", "the shares of the waves rise")]
    [InlineData("waves", "", "at least one wave")]
    [InlineData("success", "0%", "a share such as")]
    [InlineData("soak", "soon", "a time such as")]
    [InlineData("soak", "9999d", "soak is from 0 to")]
    [InlineData("max-failures", "none", "failures are a number")]
    [InlineData("on-failure", "cry", "on failure a rollout does")]
    [InlineData("concurrent", "0", "concurrent is from 1")]
    [InlineData("window", "noon<b>", "is no window")]
    [InlineData("approval", "never", "approval is")]
    [InlineData("patience", "5s", "patience is from 60")]
    [InlineData("scope", "group:nobody", "nobody")]
    [InlineData("scope", "device:0123456789abcdef", "a plan is for a group or a branch")]
    [InlineData("scope", "", "choose a group or a branch")]
    public async Task What_is_wrong_stands_beside_its_field_and_what_was_typed_stays(string field, string value, string said)
    {
        using var client = await PageClient.LogInAsync(_server, TokenRole.Operator);
        var form = await client.ReadAsync("/plans/edit?scope=branch:stable");
        var answer = await SaveAsync(client, form, (field, value), field == "patience" ? ("soak", "7m") : ("patience", "7d"));
        answer.StatusCode.Should().Be(HttpStatusCode.BadRequest);
        var page = await answer.Content.ReadAsStringAsync();
        var problem = WebUtility.HtmlDecode(Regex.Match(page, $"<span class=\"problem\" id=\"wrong-{field}\">([^<]*)</span>").Groups[1].Value);
        problem.Should().ContainEquivalentOf(said);
        Regex.Matches(page, "class=\"problem\"").Should().ContainSingle("only what is wrong is called so");
        page.Should().Contain(field == "patience" ? "name=\"soak\" value=\"7m\"" : "name=\"patience\" value=\"7d\"").And.NotContain("<b>");
        Present().Should().BeNull();
    }

    [Fact]
    public async Task Several_fields_are_called_wrong_at_once()
    {
        using var client = await PageClient.LogInAsync(_server, TokenRole.Operator);
        var page = await (await SaveAsync(client, await client.ReadAsync("/plans/edit?scope=branch:stable"), ("soak", "x"), ("window", "y"), ("waves", "z"))).Content.ReadAsStringAsync();
        Regex.Matches(page, "id=\"wrong-([a-z-]+)\"").Select(m => m.Groups[1].Value).Should().BeEquivalentTo("soak", "window", "waves");
    }

    [Fact]
    public async Task Of_two_who_edit_the_same_plan_the_second_one_is_told_and_keeps_what_was_typed()
    {
        using var ada = await PageClient.LogInAsync(_server, TokenRole.Operator);
        using var bob = await PageClient.LogInAsync(_server, TokenRole.Operator, "bob");
        var (first, second) = (await ada.ReadAsync("/plans/edit?scope=branch:stable"), await bob.ReadAsync("/plans/edit?scope=branch:stable"));
        (await SaveAsync(ada, first, ("waves", "20%"))).StatusCode.Should().Be(HttpStatusCode.SeeOther);
        await RequireChangedAsync(await SaveAsync(bob, second, ("waves", "30%")), "30%");
        var seen = await bob.ReadAsync("/plans/edit?scope=branch:stable");
        _server.Time.Ahead += TimeSpan.FromSeconds(2);
        (await SaveAsync(ada, await ada.ReadAsync("/plans/edit?scope=branch:stable"), ("waves", "25%"))).StatusCode.Should().Be(HttpStatusCode.SeeOther);
        await RequireChangedAsync(await SaveAsync(bob, seen, ("waves", "40%")), "40%");
        (await bob.DoAsync("/plans/remove", ("scope", "branch:stable"), ("seen", Seen(seen)))).Should().Contain("somebody has changed it meanwhile");
        Present()!.Plan!.Waves.Single().Percent.Should().Be(25);
        // As a program says it to the interface.
        var fields = Fields(seen).Where(f => f.Name != "waves").Append(("waves", "60%")).ToArray();
        (await bob.PostFromAsync("/plans/edit", [("If-Match", "\"nonsense\"")], fields)).StatusCode.Should().Be(HttpStatusCode.PreconditionFailed);
        (await bob.PostFromAsync("/plans/edit", [("If-Match", Seen(await bob.ReadAsync("/plans/edit?scope=branch:stable")))], fields)).StatusCode.Should().Be(HttpStatusCode.SeeOther);
        Present()!.Plan!.Waves.Single().Percent.Should().Be(60);
    }

    [Theory]
    [InlineData("/plans/edit")]
    [InlineData("/plans/edit?scope=branch:stable")]
    [InlineData("/plans/edit?scope=branch:other")]
    public async Task What_is_only_pinned_gets_its_first_plan_from_any_form_and_stays_pinned(string from)
    {
        _server.Publish("other");
        _server.Policies().Set(Stable, new PolicyRequest("pin", $"{_commit}", "the fair"), new Actor("a test"));
        _server.Policies().SetPlan(new PolicyScope.Branch(BranchName.Parse("other")), new RolloutPlan([new RolloutWave(7)]), new Actor("a test"));
        using var client = await PageClient.LogInAsync(_server, TokenRole.Operator);
        var form = await client.ReadAsync(from);
        var wrong = await (await SaveAsync(client, form, ("scope", "branch:stable"), ("soak", "x"))).Content.ReadAsStringAsync();
        wrong.Should().Contain("wrong-soak").And.NotContain("meanwhile");
        (await SaveAsync(client, wrong, ("soak", "2h"))).StatusCode.Should().Be(HttpStatusCode.SeeOther);
        (Present()!.Plan!.Soak, Present()!.Commit, Present()!.Reason).Should().Be((7200L, _commit, "the fair"));
        // And of one that has a plan by then, which nobody has looked at here.
        _server.Policies().SetPlan(Stable, new RolloutPlan([new RolloutWave(9)]), new Actor("another test"));
        (await SaveAsync(client, await client.ReadAsync("/plans/edit"), ("scope", "branch:stable"))).StatusCode.Should().Be(HttpStatusCode.PreconditionFailed);
    }

    [Fact]
    public async Task Who_only_looks_reads_plans_and_makes_none()
    {
        _server.Policies().SetPlan(Stable, new RolloutPlan([new RolloutWave(7)]), new Actor("a test"));
        new Groups(_server.Data.OpenDatabase(), _server.Time).Set(GroupName.Parse("lab"), null, "");
        using var viewer = await PageClient.LogInAsync(_server, TokenRole.Viewer);
        (await viewer.ReadAsync("/plans")).Should().Contain("7 %").And.NotContain("/plans/edit");
        (await viewer.GetAsync("/plans/edit?scope=branch:stable")).StatusCode.Should().Be(HttpStatusCode.Forbidden);
        (await viewer.PostAsync("/plans/remove", ("scope", "branch:stable"))).StatusCode.Should().NotBe(HttpStatusCode.OK);
        (await viewer.PostAsync("/plans/edit", ("scope", "group:lab"), ("waves", "100%"))).StatusCode.Should().NotBe(HttpStatusCode.OK);
        new PolicyBook(_server.Data.OpenDatabase()).List().Should().ContainSingle().Which.Plan!.Waves.Single().Percent.Should().Be(7);
    }

    private Policy? Present() => new PolicyBook(_server.Data.OpenDatabase()).Find(Stable);

    private static async Task RequireChangedAsync(HttpResponseMessage answer, string typed)
    {
        answer.StatusCode.Should().Be(HttpStatusCode.PreconditionFailed);
        (await answer.Content.ReadAsStringAsync()).Should().Contain("role=\"alert\"").And.Contain("meanwhile").And.Contain($">{typed}</textarea>");
    }

    /// <summary>Sends the form that a page holds, as a browser without scripts would.</summary>
    private static Task<HttpResponseMessage> SaveAsync(PageClient client, string page, params (string Name, string Value)[] typed) =>
        client.PostAsync("/plans/edit", [.. Fields(page).Where(f => typed.All(t => t.Name != f.Name)), .. typed]);

    private static string Seen(string page) => Fields(page).Single(f => f.Name == "seen").Value;

    private static (string Name, string Value)[] Fields(string page)
    {
        var form = Regex.Match(page, "<form class=\"fields narrow\".*?</form>", RegexOptions.Singleline).Value;
        var inputs = Regex.Matches(form, "<input[^>]* name=\"([^\"]+)\"[^>]*>").Select(m => (m.Groups[1].Value, Regex.Match(m.Value, "value=\"([^\"]*)\"").Groups[1].Value));
        var areas = Regex.Matches(form, "<textarea name=\"([^\"]+)\"[^>]*>([^<]*)</textarea>").Select(m => (m.Groups[1].Value, m.Groups[2].Value));
        var choices = Regex.Matches(form, "<select name=\"([^\"]+)\".*?</select>", RegexOptions.Singleline)
            .Select(m => (m.Groups[1].Value, Regex.Match(m.Value, "<option value=\"([^\"]*)\" selected>") is { Success: true } chosen ? chosen.Groups[1].Value : Regex.Match(m.Value, "<option value=\"([^\"]*)\"").Groups[1].Value));
        return [.. inputs.Concat(areas).Concat(choices).Where(f => f.Item1 != "form-token").Select(f => (f.Item1, WebUtility.HtmlDecode(f.Item2)))];
    }
}
