using System.Text.Json;
using ContentTree.Server.Auditing;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Server.Webhooks;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Support;
using ContentTree.Tests.Trust;

namespace ContentTree.Tests.Server;

/// <summary>The audit log: each change leaves an entry, and an entry that is changed, gone or added later shows.</summary>
public sealed class AuditTests : IAsyncLifetime
{
    private TestServer _server = null!;

    public async Task InitializeAsync() => _server = await TestServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    private Audit Log => new(_server.Data, _server.Time);

    private string[] Remote => ["--server", _server.Url, "--token", _server.Admin];

    [Fact]
    public void A_head_that_comes_late_takes_none_back()
    {
        var (file, hash) = (new AuditHeadFile(_server.Data), new string('a', 64));
        file.Raise(new AuditHead(6, hash));
        file.Raise(new AuditHead(5, hash));
        file.TryRead().Should().Be(new AuditHead(6, hash));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Each_change_leaves_an_entry_of_who_what_and_from_where(bool isRemote)
    {
        using var device = new TestDevice(_server);
        await device.EnrolAsync();
        string id = device.Id.ToString(), branch = "fleet/one";
        _server.WriteSource("file", "one");
        File.WriteAllText(_server["recipe"], "/ = stable\n");
        string[] where = isRemote ? Remote : ["--data", _server.DataPath];
        async Task DoAsync(params string[] verb) => await ServerCommand.DoAsync([.. verb, .. where]);
        await DoAsync("device", "accept", id);
        await DoAsync("publish", "--branch", "stable", "--reason", "to see", "--cache", _server.Cache, _server.Source);
        await DoAsync("device", "hold", id, "--reason", "under test");
        await DoAsync("device", "reject", id);
        await DoAsync("branch", "create", "empty", "--private");
        await DoAsync("device", "allow", id, "empty");
        await DoAsync("device", "forbid", id, "empty");
        await DoAsync("branch", "public", "empty");
        await DoAsync("branch", "protect", "empty");
        await DoAsync("branch", "unprotect", "empty");
        await DoAsync("branch", "delete", "empty");
        await DoAsync("recipe", "set", branch, _server["recipe"]);
        await DoAsync("recipe", "remove", branch);
        await DoAsync("follow", "set", "other", "git:https://name:secret@127.0.0.1:1/x");
        await DoAsync("follow", "remove", "other");
        await DoAsync("token", "create", "--role", "viewer");
        await DoAsync("device", "remove", id);

        var entries = Log.List(new AuditFilter(), 100).Reverse().Where(e => e.Verb != "branch.compose").ToArray();

        entries.Select(e => e.Verb).Should().Equal(
            "device.enrol", "device.accept", "branch.publish", "policy.hold", "device.reject", "branch.create", "device.allow", "device.forbid", "branch.public", "branch.protect", "branch.unprotect",
            "branch.delete", "recipe.set", "recipe.remove", "follow.set", "follow.remove", "token.create", "device.remove");
        entries[0].Actor.Should().Be($"device {id}");
        var actor = isRemote ? $"token {_server.Admin["ctree-".Length..].Split('.')[0]}" : Actor.Here.Name;
        entries.Skip(1).Should().OnlyContain(e => e.Actor == actor && e.Address == (isRemote ? "127.0.0.1" : ""));
        entries.Where(e => e.Verb.StartsWith("device", StringComparison.Ordinal)).Should().OnlyContain(e => e.Subject == id);
        (entries[1].Before, entries[1].After).Should().Be(("Pending", "Accepted"));
        (entries[2].Subject, entries[2].Reason, entries[2].Before).Should().Be(("stable", "to see", ""));
        entries[2].After.Should().StartWith("1 ");
        entries[3].Reason.Should().Be("under test");
        string.Concat(entries.Select(e => e.ToString())).Should().NotContain("secret");
        (await ServerCommand.DoAsync(["audit", "verify", .. where])).Out.Should().Be($"{Log.Head()!.Number}:{Log.Head()!.Hash}\n");
    }

    [Fact]
    public async Task What_cannot_be_noted_is_not_done()
    {
        using var device = new TestDevice(_server);
        await device.EnrolAsync();
        using var stranger = new TestDevice(_server);
        _server.WriteSource("file", "one");
        var one = _server.Publish().Commit;
        _server.WriteSource("file", "two");
        _server.Publish();
        async Task<bool> IsDoneAsync(params string[] verb) => (await ServerCommand.RunAsync([.. verb, .. Remote])).Exit == 0;
        string[][] changes =
        [
            ["device", "reject", $"{device.Id}"], ["device", "accept", $"{device.Id}"], ["device", "hold", $"{device.Id}"], ["branch", "pin", "stable", $"{one}"],
            ["rollout", "start", "--branch", "stable", "--to", "stable", "--wave", "100%"], ["rollout", "pause", "1"], ["rollout", "abort", "1"], ["device", "remove", $"{device.Id}"],
        ];
        using (new RefusedWrites(_server.Data.OpenDatabase(), "audit"))
        {
            (await stranger.EnrolAsync()).IsSuccessStatusCode.Should().BeFalse();
            _server.Devices().FindState(stranger.Id).Should().BeNull();
        }
        foreach (var change in changes)
        {
            var before = State();
            using (new RefusedWrites(_server.Data.OpenDatabase(), "audit"))
                (await IsDoneAsync(change)).Should().BeFalse(string.Join(' ', change));
            State().Should().Be(before, string.Join(' ', change));
            (await IsDoneAsync(change)).Should().BeTrue(string.Join(' ', change));
            State().Should().NotBe(before);
        }
        (await VerifyAsync()).Exit.Should().Be(0);
    }

    [Fact]
    public async Task Many_who_change_something_at_once_do_not_wait_for_each_others_connections()
    {
        _server.WriteSource("file", "one");
        _server.Publish();
        var (scope, policies) = (PolicyScope.Parse("branch:stable"), _server.Policies());
        // More than a server has connections, each on a thread of its own.
        await Task.WhenAll(Enumerable.Range(0, 30).Select(i => Task.Factory.StartNew(
            () => policies.Set(scope, new PolicyRequest("hold", Reason: $"{i}"), new Actor("a test")), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        Log.List(new AuditFilter(Verb: "policy.hold"), 100).Should().HaveCount(30);
        (await VerifyAsync()).Exit.Should().Be(0);
    }

    [Fact]
    public async Task A_move_of_a_branch_that_could_not_be_noted_is_noted_later_and_once()
    {
        var outbox = new Outbox(_server.Data.OpenDatabase(), _server.Time);
        var webhook = outbox.Create(new WebhookRequest("http://192.0.2.1/", ["commit.published"])).Id;
        _server.WriteSource("file", "one");
        using (new RefusedWrites(_server.Data.OpenDatabase(), "audit"))
        {
            _server.Publish();
            Moves().Should().BeEmpty();
            outbox.Deliveries(webhook, 10).Should().BeEmpty("what was told stands in the log");
        }
        await Eventually.TrueAsync(() => Moves().Length > 0 && Unnoted() == 0);
        var seen = Branches.Read(Stable);
        _server.WriteSource("file", "two");
        _server.Publish();
        // Where it ended between the entry and what was left of it.
        new MoveTrail(_server.Data, _server.Time).Begin(seen, Branches.ReadHead(Stable).Commit, 2, BranchMove.Here(BranchMove.Publish));
        await Eventually.TrueAsync(() => Unnoted() == 0);
        Moves().Should().Equal("branch.publish 2", "branch.publish 1");
        Log.List(new AuditFilter(Verb: "branch"), 10).Should().AllSatisfy(e => e.Actor.Should().Be(Actor.Here.Name));
        outbox.Deliveries(webhook, 10).Should().HaveCount(2);
        (await VerifyAsync()).Exit.Should().Be(0);
    }

    [Fact]
    public async Task A_move_is_noted_also_where_nobody_finds_what_was_left_for_later()
    {
        _server.WriteSource("file", "one");
        var commit = _server.Publish().Commit;
        var (trail, seen) = (new MoveTrail(_server.Data, _server.Time), new BranchPosition(BranchName.Parse("other"), null, null));
        var begun = trail.Begin(seen, commit, 1, BranchMove.Here(BranchMove.Promote));
        trail.Drop(begun);
        trail.End(begun);
        Moves("other").Should().Equal("branch.promote 1");
        (await VerifyAsync()).Exit.Should().Be(0);
    }

    [Fact]
    public void Of_a_move_that_never_came_nothing_is_said()
    {
        var trail = new MoveTrail(_server.Data, _server.Time);
        _server.WriteSource("file", "one");
        var commit = _server.Publish().Commit;
        trail.Begin(Branches.Read(Stable), commit, 7, BranchMove.Here(BranchMove.Publish));
        File.WriteAllText(Path.Combine(_server.DataPath, "unnoted", "0.json"), """{ "branch": "..", "sequence": "x" }""");
        trail.Resume(CancellationToken.None);
        Unnoted().Should().Be(2, "somebody may be about to move it");
        _server.Time.Ahead += TimeSpan.FromMinutes(61);
        trail.Resume(CancellationToken.None);
        Unnoted().Should().Be(0);
        Moves().Should().Equal("branch.publish 1");
    }

    [Fact]
    public async Task Of_a_number_that_was_used_and_never_the_newest_nothing_is_said()
    {
        _server.WriteSource("file", "one");
        _server.Publish();
        var seen = Branches.Read(Stable);
        _server.WriteSource("file", "two");
        var two = _server.Publish("other").Commit;
        var trail = new MoveTrail(_server.Data, _server.Time);
        // Where a publisher ended between the archive and the newest head.
        trail.Begin(seen, two, 2, BranchMove.Here(BranchMove.Publish));
        _server.Data.Repository.Heads.Archive(Stable, 2, Branches.Propose(seen, CompleteClosure.Check(_server.Data.Repository, two), _server.Data.LoadKeys()).Bytes.Span).Should().BeTrue();
        trail.Resume(CancellationToken.None);
        Unnoted().Should().Be(1);
        _server.WriteSource("file", "three");
        _server.Publish();
        await Eventually.TrueAsync(() => Unnoted() == 0);
        Moves().Should().Equal("branch.publish 3", "branch.publish 1");
    }

    [Theory]
    [InlineData("UPDATE audit SET reason = 'another' WHERE number = 3", "entry 3 is not as it was written", 2)]
    [InlineData("UPDATE audit SET hash = 'x' WHERE number = 5", "entry 5 is not as it was written", 4)]
    [InlineData("UPDATE audit SET time = time + 1 WHERE number = 1", "entry 1 is not as it was written", 0)]
    [InlineData("DELETE FROM audit WHERE number = 3", "entry 3 is missing", 2)]
    [InlineData("DELETE FROM audit WHERE number < 3", "entry 1 is missing", 0)]
    [InlineData("DELETE FROM audit WHERE number >= 4", "entry 4 is missing: the log ends at 3 and had 5", 3)]
    [InlineData("DELETE FROM audit", "entry 1 is missing: the log ends at 0 and had 5", 0)]
    public async Task What_was_changed_or_taken_away_is_named_also_after_more_was_written(string damage, string reason, int whole)
    {
        for (var i = 1; i <= 5; i++)
            Log.Note(new Actor("anna"), "test.thing", i);
        (await VerifyAsync()).Exit.Should().Be(0);
        Execute(damage);
        foreach (var isRemote in new[] { false, true })
        {
            var broken = await VerifyAsync(isRemote ? Remote : []);
            broken.Exit.Should().Be((int)ExitCode.VerificationFailed);
            broken.Error.Should().Contain(reason).And.Contain($"{whole} of ");
        }
        Log.Note(new Actor("anna"), "test.thing", "later");
        (await VerifyAsync()).Error.Should().Contain(reason.Split(':')[0]);
    }

    [Fact]
    public async Task A_log_that_was_written_anew_shows_by_a_head_that_was_kept_elsewhere()
    {
        Log.Note(new Actor("anna"), "test.thing", "one");
        Log.Note(new Actor("anna"), "test.thing", "two");
        var kept = (await VerifyAsync()).LastLine;
        Log.Note(new Actor("anna"), "test.thing", "three");
        (await VerifyAsync("--head", kept)).Exit.Should().Be(0);
        Execute("DELETE FROM audit");
        File.Delete(Path.Combine(_server.DataPath, "audit.head"));
        foreach (var what in new[] { "one", "not two", "three" })
            Log.Note(new Actor("anna"), "test.thing", what);
        (await VerifyAsync()).Exit.Should().Be(0, "whoever writes everything anew leaves no trace here");
        var broken = await VerifyAsync("--head", kept);
        broken.Exit.Should().Be((int)ExitCode.VerificationFailed);
        broken.Error.Should().Contain("entry 2 is another one than is known");
        File.Delete(Path.Combine(_server.DataPath, "audit.head"));
        (await VerifyAsync()).Error.Should().Contain("audit.head is missing");
    }

    [Fact]
    public async Task Many_who_write_at_once_make_one_chain()
    {
        await Parallel.ForEachAsync(Enumerable.Range(0, 60), async (i, _) => await Task.Run(() => Log.Note(new Actor("anna"), "test.thing", i), CancellationToken.None));
        var verified = await VerifyAsync();
        verified.Exit.Should().Be(0, verified.Error);
        verified.Error.Should().Contain("60 entries");
    }

    [Fact]
    public async Task A_lost_database_is_a_gap_and_a_restored_one_is_none()
    {
        Log.Note(new Actor("anna"), "test.thing", "one");
        await ServerCommand.DoAsync("--data", _server.DataPath, "backup", _server["backup.tar"]);
        await ServerCommand.DoAsync("--data", _server["new"], "restore", _server["backup.tar"]);
        (await ServerCommand.DoAsync("--data", _server["new"], "audit", "verify")).Error.Should().Contain("1 entries");
        await _server.RestartAsync(withoutDatabase: true);
        Log.Note(new Actor("anna"), "test.thing", "two");
        (await VerifyAsync()).Error.Should().Contain("entry 1 is missing: the log goes on with 2");
    }

    [Fact]
    public async Task Entries_are_found_by_what_they_say_page_by_page()
    {
        for (var i = 0; i < 250; i++)
            Log.Note(new Actor(i % 2 == 0 ? "anna" : "token 1a2b3c4d", "192.0.2.1"), i % 5 == 0 ? "device.accept" : "branch.publish", $"thing{i % 10}", "a", "b", "=HYPERLINK(\"x\")\u001b[2J");
        foreach (string[] where in new string[][] { ["--data", _server.DataPath], Remote })
        {
            async Task<string[]> ListAsync(params string[] options) => (await ServerCommand.DoAsync(["audit", "list", .. options, .. where])).Out.TrimEnd().Split('\n')[1..];
            (await ListAsync()).Should().HaveCount(100);
            (await ListAsync("--limit", "1000")).Should().HaveCount(250);
            (await ListAsync("--limit", "1000", "--actor", "token 1a2b3c4d")).Should().HaveCount(125);
            (await ListAsync("--limit", "1000", "--verb", "device")).Should().HaveCount(50);
            (await ListAsync("--limit", "1000", "--verb", "dev")).Should().BeEmpty();
            (await ListAsync("--limit", "1000", "--subject", "thing3", "--verb", "branch.publish")).Should().HaveCount(25);
            (await ListAsync("--limit", "1000", "--since", "2038-01-01")).Should().BeEmpty();
            var csv = await ListAsync("--csv", "--limit", "3");
            csv[0].Should().StartWith("\"250\",").And.Contain("\"'=HYPERLINK(\"\"x\"\") [2J\"");
            JsonSerializer.Deserialize((await ServerCommand.DoAsync(["audit", "list", "--json", "--limit", "2", .. where])).Out, ProtocolJson.Default.AuditList)!.Entries.Select(e => e.Number).Should().Equal(250, 249);
        }
        foreach (var query in new[] { "cursor=x", "limit=0", "since=-1", "limit=1001" })
            await (await _server.SendAsync(HttpMethod.Get, $"{Routes.Audit}?{query}", token: _server.Admin)).ShouldBeProblemAsync(ProblemCode.BadRequest);
    }

    [Fact]
    public void The_lines_of_the_page_check_the_chain_without_this_program()
    {
        for (var i = 0; i < 4; i++)
            Log.Note(new Actor("anna", "::1"), "test.thing", $"Größe \"{i}\" \\ <&>", "🙂", reason: "two\nlines\u007f");
        var lines = TestFiles.Block(TestFiles.Page("protocol.md"), "### Audit log", "sh").Replace("ctree-server", $"dotnet '{ServerProcess.Program}' --data '{_server.DataPath}'", StringComparison.Ordinal);
        Shell.Run($"set -eu; {lines}").Should().Be("whole\n");
        Execute("UPDATE audit SET actor = 'ben' WHERE number = 2");
        Shell.Try($"set -eu; {lines}").Output.Should().Be("entry 2\n");
    }

    private static BranchName Stable => BranchName.Parse("stable");

    private Branches Branches => new(_server.Data, _server.Time);

    private string[] Moves(string branch = "stable") => [.. Log.List(new AuditFilter(Verb: "branch", Subject: branch), 10).Select(e => $"{e.Verb} {e.After.Split(' ')[0]}")];

    private int Unnoted() => Directory.GetFiles(Path.Combine(_server.DataPath, "unnoted")).Length;

    // What changes of devices, policies and rollouts come to.
    private string State()
    {
        using var connection = _server.Data.OpenDatabase().Connect();
        return string.Join(' ', new[] { "SELECT id || state FROM devices", "SELECT scope || action FROM policies", "SELECT id || state FROM rollouts", "SELECT device || action FROM assignments" }
            .SelectMany(sql => connection.Query(sql, row => row.GetString(0))).Order(StringComparer.Ordinal));
    }

    private void Execute(string sql)
    {
        using var connection = _server.Data.OpenDatabase().Connect();
        connection.Execute(sql).Should().BePositive();
    }

    private Task<ServerCommand> VerifyAsync(params string[] options) => ServerCommand.RunAsync(["--data", _server.DataPath, "audit", "verify", .. options]);
}
