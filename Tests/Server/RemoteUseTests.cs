using System.Text;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>What is said of local data is said of a server elsewhere with --server, and comes to the same.</summary>
public sealed class RemoteUseTests : IAsyncLifetime
{
    private const string CacheVariable = "XDG_CACHE_HOME";

    private readonly string? _cache = Environment.GetEnvironmentVariable(CacheVariable);
    private TestServer _server = null!;
    private ObjectId _first;
    private ObjectId _second;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        Environment.SetEnvironmentVariable(CacheVariable, _server["cache"]);
        AwkwardTree.Make(_server.Source);
        _first = _server.Publish(version: "1").Commit;
        _server.WriteSource("usr/new", "something new");
        _second = _server.Publish(version: "2").Commit;
    }

    public async Task DisposeAsync()
    {
        Environment.SetEnvironmentVariable(CacheVariable, _cache);
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData("show", "stable")]
    [InlineData("show", "FIRST", "--json")]
    [InlineData("log", "stable")]
    [InlineData("log", "stable", "--limit", "1", "--json")]
    [InlineData("ls", "stable", "-R")]
    [InlineData("ls", "FIRST", "usr", "--json")]
    [InlineData("cat", "stable", "usr/new")]
    [InlineData("diff", "FIRST", "stable")]
    [InlineData("diff", "FIRST", "stable", "--json")]
    [InlineData("diff", "stable", "stable")]
    [InlineData("show", "stable", "--packages")]
    [InlineData("fsck", "--json")]
    [InlineData("gc", "--dry-run", "--grace", "0", "--keep", "1")]
    [InlineData("gc", "--dry-run", "--grace", "0", "--json", "--root", "FIRST")]
    [InlineData("show", "nothing-like-it")]
    public async Task A_verb_says_the_same_from_elsewhere(params string[] words)
    {
        string[] said = [.. words.Select(w => w == "FIRST" ? _first.ToString()[..10] : w)];
        var here = await ServerCommand.RunAsync(["--data", _server.DataPath, .. said]);
        for (var round = 1; round <= 2; round++)
        {
            var there = await ServerCommand.RunAsync([.. said, "--server", _server.Url, "--token", _server.Admin]);
            (there.Exit, there.Out).Should().Be((here.Exit, here.Out), there.Error);
        }
    }

    [Fact]
    public async Task A_checkout_from_elsewhere_is_the_tree_and_a_file_that_was_changed_on_its_way_is_refused()
    {
        await RunAsync(0, "checkout", "stable", _server["out"]);
        AwkwardTree.Describe(_server["out"]).Should().Be(AwkwardTree.Describe(_server.Source));

        Directory.Delete(_server["cache"], recursive: true);
        var file = new ObjectName(ObjectKind.File, ObjectId.Of("something new"u8));
        var other = Directory.GetFiles(Path.Combine(_server.DataPath, "repo/objects"), "*.file", SearchOption.AllDirectories).First(f => !f.EndsWith(file.RelativePath, StringComparison.Ordinal));
        File.Copy(other, Path.Combine(_server.DataPath, "repo", file.RelativePath), overwrite: true);
        (await RunAsync((int)ExitCode.VerificationFailed, "checkout", "stable", _server["again"])).Error.Should().Contain(file.ToString());
        Directory.Exists(_server["again"]).Should().BeFalse();
        await RunAsync((int)ExitCode.VerificationFailed, "cat", "stable", "usr/new");
    }

    [Fact]
    public async Task A_server_that_answers_with_another_commit_is_not_believed()
    {
        await using var liar = await LyingServer.StartAsync(_server.Url, (path, bytes) => path.StartsWith("/api/v1/commits/", StringComparison.Ordinal)
            ? Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(bytes).Replace(_first.ToString(), _second.ToString(), StringComparison.Ordinal))
            : bytes);
        (await FromAsync(liar, "show", _first.ToString())).Out.Should().Contain($"commit        {_first}");
        var shortened = await FromAsync(liar, "show", _first.ToString()[..10]);
        (shortened.Exit, shortened.Out).Should().Be(((int)ExitCode.NotFound, ""));
    }

    [Fact]
    public async Task A_root_that_does_not_follow_from_the_known_one_is_not_taken_beside_the_chain()
    {
        await using var other = await TestServer.StartAsync();
        var foreign = File.ReadAllBytes(Path.Combine(other.DataPath, "repo/trust/root.json"));
        await using var liar = await LyingServer.StartAsync(_server.Url, (path, bytes) => path == Routes.TrustRoot ? foreign : bytes);
        var refused = await FromAsync(liar, "show", "stable");
        refused.Exit.Should().Be((int)ExitCode.VerificationFailed, refused.Error);
    }

    [Fact]
    public async Task A_download_without_an_end_is_cut_off()
    {
        await using var liar = await LyingServer.StartAsync(_server.Url, (path, bytes) => path.EndsWith(".file", StringComparison.Ordinal) ? [.. bytes, .. new byte[1 << 20]] : bytes);
        var refused = await FromAsync(liar, "cat", "stable", "usr/new");
        refused.Exit.Should().Be((int)ExitCode.Unreachable, refused.Error);
        refused.Error.Should().Contain("sends more than");
    }

    [Fact]
    public async Task A_backup_from_elsewhere_that_leaves_damage_out_says_so()
    {
        var damaged = Directory.GetFiles(Path.Combine(_server.DataPath, "repo/objects"), "*.tree", SearchOption.AllDirectories)[0];
        File.WriteAllText(damaged, "damaged");
        (await RunAsync((int)ExitCode.Partial, "backup", _server["partial.tar"])).Error.Should().Contain("1 damaged objects were left out");
    }

    [Fact]
    public async Task A_bundle_made_elsewhere_has_the_bytes_of_one_made_here()
    {
        foreach (string[] from in new[] { Array.Empty<string>(), ["--from", _first.ToString()] })
        {
            var (here, there) = (_server["here.ctb"], _server["there.ctb"]);
            await ServerCommand.DoAsync(["--data", _server.DataPath, "bundle", "--to", "stable", .. from, here]);
            await RunAsync(0, ["bundle", "--to", "stable", .. from, there]);
            File.ReadAllBytes(there).Should().Equal(File.ReadAllBytes(here));
        }
        (await RunAsync((int)ExitCode.NotFound, "bundle", "--to", "stable", "--branch", "other", _server["none.ctb"])).Error.Should().Contain("other");
    }

    [Fact]
    public async Task A_bundle_for_a_group_asks_the_server_what_its_devices_run()
    {
        using var device = new TestDevice(_server);
        await device.EnrolAsync(_server.NewToken(TokenRole.Enrol));
        await device.PollAsync(new PollRequest(BranchName.Parse("stable"), "", 1, 0) { Running = _first });
        await RunAsync(0, "group", "set", "lab");
        await RunAsync(0, "group", "add", "lab", device.Id.ToString());
        (await RunAsync(0, "bundle", "--to", "stable", "--for", "lab", _server["lab.ctb"])).Error.Should().Contain("one of 1 commits");
        new FileInfo(_server["lab.ctb"]).Length.Should().BePositive();
    }

    [Fact]
    public async Task A_private_branch_is_looked_at_with_a_token_and_never_goes_into_a_bundle_unasked()
    {
        await RunAsync(0, "branch", "private", "stable");
        (await RunAsync(0, "cat", "stable", "usr/new")).Out.Should().Be("something new");
        (await RunAsync((int)ExitCode.NotFound, "bundle", "--to", "stable", _server["a.ctb"])).Error.Should().Contain("never published");
        await RunAsync(0, "bundle", "--to", "stable", "--branch", "stable", _server["a.ctb"]);
        var viewer = await ServerCommand.RunAsync("show", "stable", "--server", _server.Url, "--token", "no-such-token");
        viewer.Exit.Should().Be((int)ExitCode.NotAuthorised);
    }

    [Fact]
    public async Task A_backup_taken_from_elsewhere_restores_the_server_and_has_no_private_keys()
    {
        var backup = await RunAsync(0, "backup", _server["backup.tar"]);
        backup.LastLine.Should().Be(_server["backup.tar"]);
        backup.Error.Should().Contain("no private keys");
        Shell.Run($"tar tf '{_server["backup.tar"]}'").Should().NotContain("keys/");
        await ServerCommand.DoAsync("--data", _server["restored"], "restore", _server["backup.tar"]);
        (await ServerCommand.DoAsync("--data", _server["restored"], "log", "stable")).Out.Should().Be((await ServerCommand.DoAsync("--data", _server.DataPath, "log", "stable")).Out);
        (await ServerCommand.DoAsync("--data", _server["restored"], "fsck")).Exit.Should().Be(0);
        (await RunAsync((int)ExitCode.Usage, "backup", _server["backup.tar"])).Error.Should().Contain("exists");
    }

    [Fact]
    public async Task Garbage_is_collected_from_elsewhere_only_by_an_admin_and_it_is_written_down()
    {
        var operate = _server.NewToken(TokenRole.Operator);
        (await ServerCommand.RunAsync("gc", "--server", _server.Url, "--token", operate)).Exit.Should().Be((int)ExitCode.NotAuthorised);
        using (_server.Data.Repository.HoldGarbage())
            (await RunAsync((int)ExitCode.Locked, "gc")).Error.Should().NotBeEmpty();
        await RunAsync(0, "gc", "--keep", "1", "--grace", "0");
        _server.Data.Repository.Contains(new ObjectName(ObjectKind.Commit, _first)).Should().BeFalse();
        (await RunAsync(0, "audit", "list", "--json")).Out.Should().Contain("repository.gc");
    }

    [Fact]
    public async Task A_server_that_was_made_anew_at_the_same_address_is_not_mistaken_for_the_old_one()
    {
        await RunAsync(0, "show", "stable");
        var mirror = Directory.GetDirectories(_server["cache/ctree-server"]).Should().ContainSingle().Subject;
        Shell.Run($"stat -c %a '{mirror}'").Trim().Should().Be("700");
        await using var other = await TestServer.StartAsync();
        foreach (var name in new[] { "root.json", "1.root.json" })
            File.Copy(Path.Combine(other.DataPath, "repo/trust", name), Path.Combine(mirror, "repo/trust", name), overwrite: true);
        (await RunAsync((int)ExitCode.VerificationFailed, "show", "stable")).Error.Should().Contain($"remove {mirror}");
    }

    private Task<ServerCommand> FromAsync(LyingServer server, params string[] words) => ServerCommand.RunAsync([.. words, "--server", server.Url, "--token", _server.Admin]);

    private async Task<ServerCommand> RunAsync(int exit, params string[] words)
    {
        var result = await ServerCommand.RunAsync([.. words, "--server", _server.Url, "--token", _server.Admin]);
        result.Exit.Should().Be(exit, result.Error);
        return result;
    }
}
