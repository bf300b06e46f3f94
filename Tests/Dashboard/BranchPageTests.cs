using System.Net;
using ContentTree.Server.Auditing;
using ContentTree.Server.Dashboard;
using ContentTree.Server.Privacy;
using ContentTree.Server.Publishing;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Server;

namespace ContentTree.Tests.Dashboard;

/// <summary>Branches in the browser move by the same rules as on the command line.</summary>
public sealed class BranchPageTests
{
    private static readonly BranchName Edge = BranchName.Parse("edge");
    private static readonly BranchName Stable = BranchName.Parse("stable");

    [Fact]
    public async Task A_branch_is_promoted_and_reverted_with_a_reason_and_the_number_of_devices()
    {
        await using var server = await TestServer.StartAsync();
        var (first, second) = await PublishAsync(server);
        using var device = new TestDevice(server);
        await device.EnrolAsync(server.NewToken(TokenRole.Enrol));
        using var client = await PageClient.LogInAsync(server, TokenRole.Approver);
        (await client.ReadAsync("/branches/stable")).Should().Contain("Promote to here").And.Contain("Look what it changes");

        (string, string)[] promote = [("branch", "stable"), ("commit", "edge"), ("reason", "a week in the lab")];
        (await (await client.PostAsync("/branch/promote", promote)).Content.ReadAsStringAsync()).Should().Contain("Promote stable?").And.Contain("Move 1 device").And.Contain("a week in the lab").And.Contain($"{second}");
        Head(server, Stable).Should().Be(first, "nothing moves before the question is answered");
        (await client.DoAsync("/branch/promote", [.. promote, ("sure", "yes"), ("looked", $"{second}")])).Should().Contain("1 device hears of it").And.Contain("a week in the lab").And.Contain("promote by user ada").And.Contain("What changed").And.Contain("Revert to this");
        Head(server, Stable).Should().Be(second);
        (string, string)[] revert = [("branch", "stable"), ("commit", first.ToString())];
        (await (await client.PostAsync("/branch/revert", revert)).Content.ReadAsStringAsync()).Should().Contain("Revert stable?").And.Contain("Take 1 device back");
        (await client.DoAsync("/branch/revert", [.. revert, ("sure", "yes")])).Should().Contain("revert by user ada");
        Head(server, Stable).Should().Be(first);
        new Audit(server.Data, server.Time).List(new AuditFilter(Actor: "user ada", Subject: "stable"), 10).Should().HaveCount(2);
    }

    [Theory]
    [InlineData(TokenRole.Viewer, false, false)]
    [InlineData(TokenRole.Operator, false, false)]
    [InlineData(TokenRole.Publisher, true, false)]
    [InlineData(TokenRole.Approver, true, true)]
    [InlineData(TokenRole.Admin, true, true)]
    public async Task Who_may_lead_a_branch_and_who_a_protected_one(string role, bool mayMove, bool mayMoveProtected)
    {
        await using var server = await TestServer.StartAsync();
        await PublishAsync(server);
        using var client = await PageClient.LogInAsync(server, role);
        await client.ReadAsync("/branches/stable");
        await client.PostAsync("/branch/promote", ("branch", "stable"), ("commit", "edge"), ("sure", "yes"));
        (Head(server, Stable) == Head(server, Edge)).Should().Be(mayMove);

        server.WriteSource("file", "three");
        server.Publish("edge");
        new ProtectedBranches(server.Data).Set(Stable, true);
        await client.PostAsync("/branch/promote", ("branch", "stable"), ("commit", "edge"), ("sure", "yes"));
        (Head(server, Stable) == Head(server, Edge)).Should().Be(mayMoveProtected);
    }

    [Theory]
    [InlineData("protect", TokenRole.Approver)]
    [InlineData("private", TokenRole.Approver)]
    [InlineData("delete", TokenRole.Approver)]
    [InlineData("create", TokenRole.Publisher)]
    public async Task Marks_and_names_are_the_admins(string verb, string role)
    {
        await using var server = await TestServer.StartAsync();
        await PublishAsync(server);
        using var client = await PageClient.LogInAsync(server, role);
        await client.ReadAsync("/branches");
        (await client.PostAsync($"/branch/{verb}", ("branch", "stable"))).StatusCode.Should().Be(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task An_approver_does_not_publish_what_no_branch_has()
    {
        await using var server = await TestServer.StartAsync();
        var (first, _) = await PublishAsync(server);
        server.WriteSource("file", "three");
        var unreleased = server.Publish("trial").Commit;
        server.WriteSource("file", "four");
        server.Publish("trial");
        using var client = await PageClient.LogInAsync(server, TokenRole.Approver);
        await client.ReadAsync("/branches/stable");
        (await client.PostAsync("/branch/promote", ("branch", "stable"), ("commit", unreleased.ToString()), ("sure", "yes"))).StatusCode.Should().Be(HttpStatusCode.SeeOther);
        Head(server, Stable).Should().Be(first);
    }

    [Fact]
    public async Task Every_page_is_there_for_a_viewer_with_something_to_look_at()
    {
        await using var server = await TestServer.StartAsync();
        var (first, second) = await PublishAsync(server);
        using var client = await PageClient.LogInAsync(server, TokenRole.Viewer);
        (await client.ReadAsync("/")).Should().Contain("Newest publishes");
        (await client.ReadAsync("/branches")).Should().Contain("edge").And.Contain("stable");
        (await client.ReadAsync("/log/edge")).Should().Contain(first.ToString()[..12]).And.Contain(second.ToString()[..12]);
        (await client.ReadAsync($"/commits/{second}")).Should().Contain("What it says");
        (await client.ReadAsync("/diff")).Should().Contain("Compare");
        (await client.ReadAsync($"/diff?a=stable&b=edge")).Should().Contain("/file").And.Contain("to a device, about");
        (await client.ReadAsync("/audit?subject=stable")).Should().Contain("branch.promote").And.Contain("/branches/stable");
        (await client.ReadAsync("/audit?actor=nobody")).Should().Contain("Nobody has changed");
        (await client.ReadAsync("/audit.csv?verb=branch")).Split('\n').Should().HaveCountGreaterThan(3);
        (await client.ReadAsync("/storage")).Should().Contain("Deltas").And.NotContain("/storage/count");
        foreach (var path in new[] { "/branches/nothing", "/branches/..%2Fx", "/log/nothing", "/commits/zzz", "/devices/zzz", "/diff?a=x&b=y", "/publish/zzz" })
        {
            var answer = await client.GetAsync(path);
            answer.StatusCode.Should().BeOneOf([HttpStatusCode.NotFound, HttpStatusCode.Forbidden], path);
            answer.Content.Headers.ContentType!.MediaType.Should().Be("text/html");
        }
    }

    [Fact]
    public async Task Storage_is_counted_and_a_collection_is_previewed_without_removing_anything()
    {
        await using var server = await TestServer.StartAsync();
        var (first, second) = await PublishAsync(server);
        using var client = await PageClient.LogInAsync(server, TokenRole.Operator);
        await client.ReadAsync("/storage");
        var together = new[] { first, second }.Sum(commit => server.Data.Repository.ReadCommit(commit).Bytes);
        together.Should().BePositive();
        (await (await client.PostAsync("/storage/count")).Content.ReadAsStringAsync()).Should().Contain("<td>commit</td><td class=\"number\">2</td>")
            .And.Contain($"The trees of 2 commits hold <strong>{Text.Bytes(together)}</strong> of files");
        (await (await client.PostAsync("/storage/preview")).Content.ReadAsStringAsync()).Should().Contain("It would remove");
        server.Data.Repository.Contains(new ObjectName(ObjectKind.Commit, first)).Should().BeTrue();
    }

    private static async Task<(ObjectId First, ObjectId Second)> PublishAsync(TestServer server)
    {
        server.WriteSource("file", "one");
        var first = server.Publish("edge").Commit;
        await ServerCommand.DoAsync("--data", server.DataPath, "branch", "promote", "edge", "stable");
        await ServerCommand.DoAsync("--data", server.DataPath, "branch", "revert", "stable", first.ToString());
        server.WriteSource("file", "two");
        return (first, server.Publish("edge").Commit);
    }

    private static ObjectId? Head(TestServer server, BranchName branch) => new Branches(server.Data, server.Time).Read(branch).Head?.Commit;
}
