using System.Text.Json;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>The verbs that look at what was published, and those that keep it whole.</summary>
public sealed class LookingTests : IAsyncLifetime, IDisposable
{
    private readonly TemporaryDirectory _temporary = new();
    private string _first = "";
    private string _second = "";

    private string Data => _temporary["data"];

    private string Source => _temporary["source"];

    public async Task InitializeAsync()
    {
        await RunAsync("init");
        Shell.Run($"mkdir -p '{Source}/etc' '{Source}/bin'; cd '{Source}'; printf 'v1\\n' > etc/release; printf gone > etc/old; printf same > bin/tool; ln -s tool bin/link; mkfifo pipe; chmod 4755 bin/tool");
        _first = (await RunAsync("publish", "--branch", "stable", "--version", "1.0", "--subject", "First", "--owner", "0:0", Source)).LastLine;
        Shell.Run($"cd '{Source}'; printf 'v2\\n' > etc/release; rm etc/old; printf new > etc/new; chmod 755 bin/tool");
        _second = (await RunAsync("publish", "--branch", "stable", "--version", "2.0", "--subject", "Second", "--owner", "0:0", Source)).LastLine;
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public async Task Log_goes_back_from_the_newest()
    {
        var lines = (await RunAsync("log", "stable")).Out.Trim().Split('\n');
        lines.Should().HaveCount(3);
        lines[1].Should().StartWith("2").And.Contain(_second[..12]).And.Contain("2.0").And.EndWith("Second");
        lines[2].Should().StartWith("1").And.Contain(_first[..12]).And.Contain("1.0").And.EndWith("First");
        var json = await JsonAsync("ctree-server.log/1", "log", "stable", "--limit", "1");
        json.GetProperty("commits").GetArrayLength().Should().Be(1);
        json.GetProperty("commits")[0].GetProperty("id").GetString().Should().Be(_second);
        json.GetProperty("commits")[0].GetProperty("sequence").GetInt64().Should().Be(2);
    }

    [Fact]
    public async Task A_commit_may_be_named_by_branch_id_or_first_digits()
    {
        foreach (var name in new[] { "stable", _second, _second[..8] })
            (await RunAsync("show", name)).Out.Should().Contain(_second).And.Contain(_first).And.Contain("2.0").And.Contain("Second");
        var json = await JsonAsync("ctree-server.commit/1", "show", _first[..12]);
        json.GetProperty("id").GetString().Should().Be(_first);
        json.GetProperty("commit").GetProperty("version").GetString().Should().Be("1.0");
    }

    [Fact]
    public async Task Ls_shows_kind_mode_owner_size_and_target()
    {
        (await RunAsync("ls", _first, "bin")).Out.Should().MatchRegex(@"l0000\s+0\s+0\s+0 bin/link -> tool\n-4755\s+0\s+0\s+4 bin/tool\n");
        (await RunAsync("ls", "stable")).Out.Should().Contain("p0644").And.Contain(" pipe").And.NotContain("etc/release");
        (await RunAsync("ls", "-R", "stable")).Out.Should().Contain("etc/release");
        (await RunAsync("ls", "stable", "/etc/release")).Out.Should().EndWith("3 etc/release\n");
        var json = await JsonAsync("ctree-server.entries/1", "ls", "stable", "etc");
        json.GetProperty("entries").EnumerateArray().Select(e => e.GetProperty("path").GetString()).Should().Equal("etc/new", "etc/release");
        (await ServerCommand.RunAsync("--data", Data, "ls", "stable", "etc/nothing")).Exit.Should().Be((int)ExitCode.NotFound);
    }

    [Fact]
    public async Task Cat_writes_the_bytes_and_nothing_else()
    {
        (await RunAsync("cat", _first, "etc/release")).Out.Should().Be("v1\n");
        (await ServerCommand.RunAsync("--data", Data, "cat", "stable", "bin/link")).Exit.Should().Be((int)ExitCode.NotFound);
        (await ServerCommand.RunAsync("--data", Data, "cat", "stable", "etc")).Exit.Should().Be((int)ExitCode.NotFound);
    }

    [Fact]
    public async Task Diff_says_what_changed_and_ends_with_1_only_then()
    {
        var changed = await ServerCommand.RunAsync("--data", Data, "diff", _first, "stable");
        changed.Exit.Should().Be(1);
        changed.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Should().Equal("m /bin/tool", "A /etc/new", "D /etc/old", "M /etc/release");
        (await ServerCommand.RunAsync("--data", Data, "diff", _second, "stable")).Should().BeEquivalentTo(new { Exit = 0, Out = "" });
        var json = JsonDocument.Parse((await ServerCommand.RunAsync("--data", Data, "diff", _first, "stable", "--json")).Out).RootElement;
        json.GetProperty("schema").GetString().Should().Be("ctree-server.diff/1");
        json.GetProperty("changes")[3].GetProperty("change").GetString().Should().Be("modified");
    }

    [Fact]
    public async Task Checkout_brings_the_directory_back()
    {
        Shell.Run($"chown -R -h 0:0 '{Source}'");
        await RunAsync("checkout", "stable", _temporary["out"]);
        AwkwardTree.Describe(_temporary["out"]).Should().Be(AwkwardTree.Describe(Source));
        (await ServerCommand.RunAsync("--data", Data, "checkout", "stable", _temporary["out"])).Exit.Should().Be((int)ExitCode.Failed, "it exists now");
    }

    [Fact]
    public async Task Branches_are_made_at_a_commit_and_deleted_with_their_objects_left()
    {
        await RunAsync("branch", "create", "fresh");
        await RunAsync("branch", "create", "beta/x", "--at", _first[..10]);
        (await ServerCommand.RunAsync("--data", Data, "branch", "create", "stable")).Exit.Should().Be((int)ExitCode.Conflict);
        (await ServerCommand.RunAsync("--data", Data, "branch", "create", "fresh")).Exit.Should().Be((int)ExitCode.Conflict);
        var json = await JsonAsync("ctree-server.branches/1", "branch", "list");
        json.GetProperty("branches").EnumerateArray().Select(b => (b.GetProperty("name").GetString(), b.GetProperty("sequence").GetInt64()))
            .Should().Equal(("beta/x", 1), ("fresh", 0), ("stable", 2));
        await RunAsync("branch", "delete", "beta/x");
        await RunAsync("branch", "delete", "fresh");
        (await RunAsync("branch", "list")).Out.Should().NotContain("beta").And.NotContain("fresh");
        (await RunAsync("show", _first)).Out.Should().Contain("First");
    }

    [Fact]
    public async Task Fsck_names_every_flipped_and_truncated_object()
    {
        (await RunAsync("fsck")).Error.Should().Contain(" 0 damaged");
        var release = FileObject("v2\n");
        var tool = FileObject("same");
        Shell.Run($"printf X | dd of='{release.Path}' bs=1 seek=8 conv=notrunc status=none; truncate -s -1 '{tool.Path}'");
        var found = await ServerCommand.RunAsync("--data", Data, "fsck");
        found.Exit.Should().Be((int)ExitCode.VerificationFailed);
        found.Out.Should().Contain(release.Name).And.Contain(tool.Name);
        var json = JsonDocument.Parse((await ServerCommand.RunAsync("--data", Data, "fsck", "--json")).Out).RootElement;
        json.GetProperty("damage").EnumerateArray().Select(d => d.GetProperty("what").GetString()).Should().BeEquivalentTo([release.Name, tool.Name]);

        // As the message says: remove them, publish the same source again, whole.
        File.Delete(release.Path);
        File.Delete(tool.Path);
        (await ServerCommand.RunAsync("--data", Data, "fsck")).Out.Should().Contain("missing");
        await RunAsync("publish", "--branch", "stable", "--no-cache", "--owner", "0:0", Source);
        (await RunAsync("fsck")).Error.Should().Contain(" 0 damaged");
    }

    [Fact]
    public async Task Fsck_names_damaged_trees_commits_and_heads()
    {
        var objects = Directory.GetFiles(Path.Combine(Data, "repo/objects"), "*.tree", SearchOption.AllDirectories);
        Shell.Run($"printf X | dd of='{objects[0]}' bs=1 seek=20 conv=notrunc status=none");
        (await ServerCommand.RunAsync("--data", Data, "fsck")).Exit.Should().Be((int)ExitCode.VerificationFailed);
        var head = Path.Combine(Data, "repo/heads/stable.json");
        File.WriteAllText(head, File.ReadAllText(head).Replace(_second, _first, StringComparison.Ordinal));
        (await ServerCommand.RunAsync("--data", Data, "fsck")).Out.Should().Contain("heads/stable.json");
        (await ServerCommand.RunAsync("--data", Data, "publish", "--branch", "stable", Source)).Exit.Should().Be((int)ExitCode.VerificationFailed);
    }

    [Fact]
    public async Task Fsck_looks_at_archived_and_deleted_branches_too()
    {
        await RunAsync("branch", "create", "old", "--at", _first);
        await RunAsync("branch", "delete", "old");
        await RunAsync("branch", "create", "empty");
        (await RunAsync("fsck")).Error.Should().Contain(" 0 damaged");

        File.Delete(FileObject("gone").Path);
        (await ServerCommand.RunAsync("--data", Data, "fsck")).Out.Should().MatchRegex("missing, though (stable|old) needs it at sequence 1");
        var archived = Path.Combine(Data, "repo/history/old/1.json");
        File.WriteAllText(archived, File.ReadAllText(archived).Replace(_first, _second, StringComparison.Ordinal));
        File.Delete(Path.Combine(Data, "repo/history/stable/2.json"));
        (await ServerCommand.RunAsync("--data", Data, "fsck")).Out.Should().Contain("history/old/1.json").And.Contain("history/stable/2.json: missing");
    }

    [Fact]
    public async Task A_name_that_is_no_text_is_found_as_it_is_shown()
    {
        Shell.Run($"cd '{Source}'; printf odd > $'bin/a\\xff\\nb'");
        await RunAsync("publish", "--branch", "stable", Source);
        (await RunAsync("ls", "stable", "bin")).Out.Should().Contain("bin/a\\xff\\x0ab\n");
        (await RunAsync("cat", "stable", "bin/a\\xff\\x0ab")).Out.Should().Be("odd");
    }

    [Fact]
    public async Task An_unchanged_tree_says_that_its_version_was_not_recorded()
    {
        var again = await RunAsync("publish", "--branch", "stable", "--version", "9", "--owner", "0:0", Source);
        again.LastLine.Should().Be(_second);
        again.Error.Should().Contain("--version").And.Contain("not recorded");
    }

    [Fact]
    public async Task Gc_keeps_what_heads_archives_roots_and_devices_need()
    {
        var old = FileObject("gone");
        var stray = FileObject("stray");
        Directory.CreateDirectory(_temporary["stray"]);
        File.WriteAllText(Path.Combine(_temporary["stray"], "f"), "stray");
        await RunAsync("publish", "--branch", "stray", _temporary["stray"]);
        await RunAsync("branch", "delete", "stray");

        (await RunAsync("gc", "--dry-run", "--grace", "0")).Out.Should().StartWith("would remove 3 objects");
        (await RunAsync("gc")).Out.Should().StartWith("removed 0 objects", "they are younger than the grace period");
        (await RunAsync("gc", "--grace", "0")).Out.Should().StartWith("removed 3 objects");
        File.Exists(stray.Path).Should().BeFalse();
        File.Exists(old.Path).Should().BeTrue("the archive still names the first commit");

        await RunAsync("gc", "--grace", "0", "--keep", "1", "--root", _first);
        File.Exists(old.Path).Should().BeTrue("it was asked to be kept");
        await RunAsync("gc", "--grace", "0", "--keep", "1");
        File.Exists(old.Path).Should().BeFalse();
        (await RunAsync("fsck")).Error.Should().Contain(" 0 damaged");
        (await RunAsync("log", "stable")).Out.Trim().Split('\n').Should().HaveCount(2, "history ends where it was pruned");
        (await ServerCommand.RunAsync("--data", Data, "gc", "--keep", "0")).Exit.Should().Be((int)ExitCode.Usage);
    }

    [Fact]
    public async Task Gc_keeps_what_a_device_runs()
    {
        using var data = ContentTree.Server.Storage.DataDirectory.Open(Data);
        var database = data.OpenDatabase();
        var devices = new ContentTree.Server.Storage.Devices(database, new ContentTree.Server.Storage.Tokens(database, TimeProvider.System), TimeProvider.System);
        using var key = ContentTree.Store.Trust.SigningKey.Generate();
        devices.Enrol(key.Id, [key.Public], new EnrolRequest(key.Public.Pem, "", "", "", BranchName.Parse("stable")));
        devices.Decide(key.Id, DeviceState.Accepted);
        devices.Record(key.Id, new PollRequest(BranchName.Parse("stable"), "good", 1, 1, Running: ObjectId.Parse(_first)));
        await RunAsync("gc", "--grace", "0", "--keep", "1");
        (await RunAsync("cat", _first, "etc/old")).Out.Should().Be("gone");
    }

    [Fact]
    public async Task Gc_steps_aside_for_a_backup_that_is_under_way()
    {
        using var data = ContentTree.Server.Storage.DataDirectory.Open(Data);
        Task<ServerCommand> waiting;
        using (data.Repository.HoldGarbage())
        {
            (await ServerCommand.RunAsync("--data", Data, "gc")).Exit.Should().Be((int)ExitCode.Locked);
            waiting = ServerCommand.RunAsync("--data", Data, "gc", "--wait");
        }
        (await waiting).Exit.Should().Be(0);
    }

    [Fact]
    public async Task Init_twice_keeps_everything_and_shows_the_admin_token_once()
    {
        var key = File.ReadAllBytes(Path.Combine(Data, "keys/release.pem"));
        (await RunAsync("init")).Out.Should().NotContain("admin token");
        File.ReadAllBytes(Path.Combine(Data, "keys/release.pem")).Should().Equal(key);
        Shell.Run($"stat -c %a '{Data}/keys' '{Data}/keys/release.pem' '{Data}/server.db'").Should().Be("700\n600\n600\n");
        Shell.Run($"openssl pkey -in '{Data}/keys/release.pem' -noout -text").Should().Contain("prime256v1");
        var first = await ServerCommand.DoAsync("--data", _temporary["another"], "init");
        first.Out.Should().Contain("admin token: ctree-");
    }

    [Fact]
    public async Task Tokens_are_listed_without_their_secrets_and_can_be_ended()
    {
        var made = (await RunAsync("token", "create", "--enrol", "--uses", "2", "--expires", "2100-01-01T00:00:00Z")).LastLine;
        var id = made.Split('-', '.')[1];
        var listed = await RunAsync("token", "list");
        listed.Out.Should().MatchRegex($@"{id}\s+enrol\s+valid\s+2\s+\S+\s+2100-01-01T00:00:00Z").And.NotContain(made[20..]);
        await RunAsync("token", "revoke", id);
        var json = await JsonAsync("ctree-server.tokens/1", "token", "list");
        json.GetProperty("tokens").EnumerateArray().Single(t => t.GetProperty("id").GetString() == id).GetProperty("state").GetString().Should().Be("revoked");
        Shell.Run($"strings -n 20 '{Data}'/server.db*").Should().NotContain(made.Split('.')[1]);
    }

    private (string Name, string Path) FileObject(string content)
    {
        var name = new ObjectName(ObjectKind.File, ObjectId.Of(System.Text.Encoding.UTF8.GetBytes(content)));
        return (name.ToString(), Path.Combine(Data, "repo", name.RelativePath));
    }

    private Task<ServerCommand> RunAsync(params string[] args) => ServerCommand.DoAsync(["--data", Data, .. args]);

    private async Task<JsonElement> JsonAsync(string schema, params string[] args)
    {
        var json = JsonDocument.Parse((await RunAsync([.. args, "--json"])).Out).RootElement;
        json.GetProperty("schema").GetString().Should().Be(schema);
        return json;
    }
}
