using System.Text.Json.Nodes;
using ContentTree.Server.Auditing;
using ContentTree.Server.Fleet;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>What gc keeps, why, and beside what it runs.</summary>
public sealed class RetentionTests : IAsyncLifetime
{
    private readonly List<ObjectId> _commits = [];
    private TestServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        for (var round = 0; round < 6; round++)
        {
            _server.WriteSource("file", $"{round}");
            _commits.Add(_server.Publish().Commit);
        }
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task What_a_device_runs_has_staged_may_fall_back_to_and_is_pinned_to_stays_and_gc_says_so()
    {
        using var device = new TestDevice(_server);
        await device.EnrolAsync(_server.NewToken(TokenRole.Enrol));
        await PollAsync(device, running: _commits[1], wanted: _commits[2], kept: _commits[0]);
        _server.Policies().Assign(device.Id, new AssignmentRequest("pin", _commits[3].ToString()), new Actor("a test"));

        var dry = await GcAsync("--dry-run");

        dry.Out.Should().Contain($"remove  {_commits[4].ToString()[..12]}")
            .And.MatchRegex($"keep    {_commits[1].ToString()[..12]} .*: device {device.Id} \\(lab-7\\) runs it")
            .And.MatchRegex($"keep    {_commits[2].ToString()[..12]} .*: device {device.Id} \\(lab-7\\) has it staged")
            .And.MatchRegex($"keep    {_commits[0].ToString()[..12]} .*: device {device.Id} \\(lab-7\\) may fall back to it")
            .And.MatchRegex($"keep    {_commits[3].ToString()[..12]} .*: device {device.Id} \\(lab-7\\) is pinned to it")
            .And.NotContain(_commits[5].ToString()[..12], "the branch's rule holds it");
        var json = JsonNode.Parse((await GcAsync("--dry-run", "--json")).Out)!;
        json["schema"]!.GetValue<string>().Should().Be("ctree-server.gc/1");
        json["removed"]!.AsArray().Select(c => c!.GetValue<string>()).Should().Equal(_commits[4].ToString());
        json["kept"]!.AsArray().Single(k => k!["commit"]!.GetValue<string>() == _commits[5].ToString())!["because"]!.AsArray()
            .Select(b => b!.GetValue<string>()).Should().Equal("head of stable", "stable, sequence 6");
        await GcAsync();
        There().Should().Equal(true, true, true, true, false, true);
    }

    [Fact]
    public async Task What_policies_and_rollouts_may_still_lead_devices_to_stays()
    {
        foreach (string[] said in new[]
        {
            new[] { "group", "set", "lab" }, ["group", "pin", "lab", $"{_commits[0]}"], ["branch", "pin", "stable", $"{_commits[2]}"],
            ["rollout", "start", "--branch", "stable", "--to", $"{_commits[3]}"],
        })
        {
            await ServerCommand.DoAsync(["--data", _server.DataPath, .. said]);
        }
        var dry = await GcAsync("--dry-run");
        dry.Out.Should().MatchRegex($"keep    {_commits[0].ToString()[..12]} .*: group:lab: pin").And.MatchRegex($"keep    {_commits[3].ToString()[..12]} .*: rollout 1 of branch:stable")
            .And.MatchRegex($"keep    {_commits[2].ToString()[..12]} .*rollout 1 of branch:stable, to go back to");
        await GcAsync();
        There().Should().Equal(true, false, true, true, false, true);
        await ServerCommand.DoAsync("--data", _server.DataPath, "rollout", "abort", "1");
        await ServerCommand.DoAsync("--data", _server.DataPath, "branch", "release", "stable");
        await GcAsync();
        There().Should().Equal(true, false, true, true, false, true);
    }

    [Fact]
    public async Task A_device_that_is_not_or_no_more_let_in_keeps_nothing()
    {
        using var device = new TestDevice(_server);
        await device.EnrolAsync();
        await PollAsync(device, running: _commits[0], kept: _commits[1]);
        await GcAsync("--dry-run");
        _server.Devices().Needs().Should().BeEmpty("anybody can make a device that waits");
        _server.Devices().Decide(device.Id, DeviceState.Accepted);
        _server.Devices().Needs().Should().HaveCount(1);
        _server.Devices().Decide(device.Id, DeviceState.Rejected);

        await GcAsync();

        There().Should().Equal(false, false, false, false, false, true);
    }

    [Fact]
    public async Task A_device_that_is_silent_for_long_is_named_and_keeps_what_it_had()
    {
        using var device = new TestDevice(_server);
        await device.EnrolAsync(_server.NewToken(TokenRole.Enrol));
        await PollAsync(device, running: _commits[0]);
        using (var connection = _server.Data.OpenDatabase().Connect())
            connection.Execute("UPDATE devices SET last_seen = last_seen - 40*86400");
        (await GcAsync("--dry-run")).Error.Should().BeEmpty();
        _server.WriteSettings("retention.silent-days = 30\n");

        var gc = await GcAsync();

        gc.Error.Should().Contain($"device {device.Id} lab-7 was last heard of at").And.Contain("device remove");
        There()[0].Should().BeTrue();
    }

    [Theory]
    [InlineData("history.keep = 2", new[] { false, false, false, false, true, true })]
    [InlineData("history.keep = 1, stable:3", new[] { false, false, false, true, true, true })]
    [InlineData("history.keep = other:1", new[] { true, true, true, true, true, true })]
    public async Task A_branch_keeps_what_its_rule_says(string rule, bool[] there)
    {
        _server.WriteSettings(rule + "\n");
        await ServerCommand.DoAsync("--data", _server.DataPath, "gc", "--grace", "0");
        There().Should().Equal(there);
    }

    [Theory]
    [InlineData("history.keep = 0")]
    [InlineData("history.keep = a b:3")]
    [InlineData("history.keep = a:b:3")]
    [InlineData("retention.silent-days = never")]
    public async Task A_rule_that_makes_no_sense_removes_nothing(string rule)
    {
        _server.WriteSettings(rule + "\n");
        (await ServerCommand.RunAsync("--data", _server.DataPath, "gc", "--grace", "0")).Exit.Should().Be((int)ExitCode.Failed);
        There().Should().OnlyContain(isThere => isThere);
    }

    [Fact]
    public async Task A_poll_with_kept_commits_stays_small_and_nonsense_is_refused()
    {
        using var device = new TestDevice(_server);
        await device.EnrolAsync(_server.NewToken(TokenRole.Enrol));
        var all = Enumerable.Range(0, PollRequest.MaxKept).Select(i => ObjectId.Of([(byte)i]).ToString()[..PollRequest.KeptDigits]).ToArray();
        var poll = new PollRequest(BranchName.Parse("stable/arm64"), "fallback", 12, 1234, _commits[0], _commits[1], _commits[2], _commits[3], true, 1234, 1795232700, "5f3a09c1", all);
        System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(poll, ProtocolJson.Default.PollRequest).Length.Should().BeLessThan(700);
        foreach (var kept in new[] { [.. all, "0123456789abcdef"], new[] { "0123456789ABCDEF" }, ["0123"], ["../../../../etc/p"] })
            await (await device.PollAsync(new PollRequest(BranchName.Parse("stable"), "good", 1, 1, Kept: kept))).ShouldBeProblemAsync(ProblemCode.BadRequest);
    }

    [Fact]
    public async Task After_a_gc_by_root_the_servers_own_user_publishes_on()
    {
        var repo = Path.Combine(_server.DataPath, "repo");
        File.Delete(Path.Combine(repo, "lock"));
        Shell.Run($"chmod -R a+rX '{_server.Source}'; chmod a+rx '{Path.GetDirectoryName(_server.DataPath)}'; chown -R 65534:65534 '{_server.DataPath}'");
        await GcAsync();
        File.Exists(Path.Combine(repo, "lock")).Should().BeTrue("it is root's now, as trash/ is");

        _server.WriteSource("file", "after");
        using var publish = ServerProcess.StartAs(65534, "--data", _server.DataPath, "publish", "--branch", "stable", _server.Source);

        (await publish.WaitAsync()).Should().Be(0, publish.Error);
    }

    [Fact]
    public async Task What_the_grace_spares_is_said_and_stays_whole()
    {
        // Older than a day all of it, but for one commit: a publish writes it last.
        Shell.Run("find . -type f -exec touch -d '25 hours ago' {} +", Path.Combine(_server.DataPath, "repo/objects"));
        File.SetLastWriteTimeUtc(Path.Combine(_server.DataPath, "repo", new ObjectName(ObjectKind.Commit, _commits[2]).RelativePath), DateTime.UtcNow.AddHours(-14));
        string[] gc = ["--data", _server.DataPath, "gc", "--keep", "1"];

        (await ServerCommand.DoAsync([.. gc, "--dry-run"])).Out.Should().MatchRegex($"keep    {_commits[2].ToString()[..12]} .*: younger than the grace period");
        await ServerCommand.DoAsync(gc);

        There().Should().Equal(false, false, true, false, false, true);
        await ServerCommand.DoAsync("--data", _server.DataPath, "fsck");
        await ServerCommand.DoAsync("--data", _server.DataPath, "gc");
    }

    [Fact, Trait("Category", "Slow")]
    public async Task Publishes_and_collections_beside_each_other_lose_nothing()
    {
        using var ending = new CancellationTokenSource(TimeSpan.FromSeconds(12));
        var collections = Task.Run(async () =>
        {
            var count = 0;
            for (; !ending.IsCancellationRequested; count++)
                await GcAsync();
            return count;
        });
        // Two contents take turns, so that each publish reuses what the collection beside it is about to remove.
        var publishes = Enumerable.Range(0, 2).Select(branch => Task.Run(async () =>
        {
            var source = _server[$"source-{branch}"];
            Directory.CreateDirectory(source);
            for (var round = 0; !ending.IsCancellationRequested; round++)
            {
                for (var file = 0; file < 40; file++)
                    File.WriteAllText(Path.Combine(source, $"{file}"), $"{(round + branch) % 2} {file}");
                await ServerCommand.DoAsync("--data", _server.DataPath, "publish", "--branch", $"b{branch}", source);
            }
        })).ToArray();
        await Task.WhenAll(publishes);
        (await collections).Should().BeGreaterThan(3);

        (await ServerCommand.DoAsync("--data", _server.DataPath, "fsck")).Error.Should().Contain(" 0 damaged");
        Directory.GetFiles(Path.Combine(_server.DataPath, "repo/trash")).Should().BeEmpty();
    }

    private static async Task PollAsync(TestDevice device, ObjectId running, ObjectId? wanted = null, ObjectId? kept = null) => (await device.PollAsync(new PollRequest(
        BranchName.Parse("stable"), "good", 1, 1, Running: running, Wanted: wanted, Kept: kept is { } id ? [id.ToString()[..PollRequest.KeptDigits]] : null))).EnsureSuccessStatusCode();

    private Task<ServerCommand> GcAsync(params string[] more) => ServerCommand.DoAsync(["--data", _server.DataPath, "gc", "--grace", "0", "--keep", "1", .. more]);

    private bool[] There() => [.. _commits.Select(c => _server.Data.Repository.Contains(new ObjectName(ObjectKind.Commit, c)))];
}
