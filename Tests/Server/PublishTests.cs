using ContentTree.Server.Publishing;
using ContentTree.Server.Publishing.Sources;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>publish on the server's own data: what moves, what does not, and how it ends.</summary>
public sealed class PublishTests : IDisposable
{
    private readonly TemporaryDirectory _temporary = new();

    public PublishTests()
    {
        Directory.CreateDirectory(Source);
        File.WriteAllText(Path.Combine(Source, "file"), "one");
        using var data = DataDirectory.Create(Data, TimeProvider.System);
    }

    private string Data => _temporary["data"];

    private string Source => _temporary["source"];

    [Fact]
    public async Task Publish_prints_the_commit_last_and_says_where_the_branch_is()
    {
        File.Copy("/bin/true", Path.Combine(Source, "program"));
        var published = await PublishAsync("--subject", "First light", "--version", "1.0", "--compatible", "scope-1", "--compatible", "scope-2",
            "--created", "2026-11-21T03:45:00Z", "--owner", "7:8");
        ObjectId.TryParse(published.LastLine, out var id).Should().BeTrue(published.Out);
        using var data = DataDirectory.Open(Data);
        var commit = data.Repository.ReadCommit(id);
        (commit.Subject, commit.Version, commit.Architecture).Should().Be(("First light", "1.0", System.Runtime.InteropServices.RuntimeInformation.OSArchitecture == System.Runtime.InteropServices.Architecture.X64 ? "x86_64" : "aarch64"));
        commit.Compatible.Should().Equal("scope-1", "scope-2");
        commit.Created.Should().Be(new DateTimeOffset(2026, 11, 21, 3, 45, 0, TimeSpan.Zero));
        commit.Source.Should().Be(new CommitSource(CommitSourceKind.Directory));
        data.Repository.ReadTree(commit.Tree).Entries.OfType<TreeEntry.File>().Should().OnlyContain(f => f.Metadata.Uid == 7 && f.Metadata.Gid == 8);
        var head = new Branches(data, TimeProvider.System).ReadHead(BranchName.Parse("stable"));
        (head.Commit, head.Sequence).Should().Be((id, 1));
    }

    [Fact]
    public async Task The_same_tree_time_and_parents_give_the_same_commit_in_another_place()
    {
        var first = await PublishAsync("--created", "@1795232700", "--owner", "0:0");
        var elsewhere = _temporary["elsewhere"];
        await ServerCommand.DoAsync("--data", elsewhere, "init");
        Shell.Run($"cp -r '{Source}' '{_temporary["copy"]}'");
        var second = await ServerCommand.DoAsync("--data", elsewhere, "publish", "--branch", "other", "--created", "@1795232700", "--owner", "0:0", _temporary["copy"]);
        second.LastLine.Should().Be(first.LastLine);
    }

    [Fact]
    public async Task An_unchanged_tree_makes_no_commit_and_prints_the_present_one()
    {
        var first = await PublishAsync();
        var again = await PublishAsync("--version", "2.0");
        again.LastLine.Should().Be(first.LastLine);
        again.Error.Should().Contain("nothing new");
        using var data = DataDirectory.Open(Data);
        data.Repository.Heads.ArchivedSequences(BranchName.Parse("stable")).Should().Equal(1);
    }

    [Fact]
    public async Task A_second_publish_reads_only_what_changed_and_says_so()
    {
        for (var i = 0; i < 20; i++)
            File.WriteAllText(Path.Combine(Source, $"file-{i}"), $"{i}");
        // The cache believes only change times that have settled: older than two seconds when an import starts.
        await Task.Delay(TimeSpan.FromSeconds(2.5));
        (await PublishAsync()).Error.Should().Contain("21 files read, 0 unchanged");
        File.WriteAllText(Path.Combine(Source, "file-3"), "changed");
        (await PublishAsync()).Error.Should().Contain("1 files read, 20 unchanged");
        (await PublishAsync("--no-cache")).Error.Should().Contain("21 files read, 0 unchanged");
    }

    [Fact]
    public async Task Sequences_rise_above_every_number_that_was_ever_used()
    {
        await PublishAsync();
        using var data = DataDirectory.Open(Data);
        // A publisher that was killed between archive and newest leaves a head that nobody saw.
        File.Copy(Path.Combine(Data, "repo/history/stable/1.json"), Path.Combine(Data, "repo/history/stable/7.json"));
        File.WriteAllText(Path.Combine(Source, "file"), "two");
        await PublishAsync();
        new Branches(data, TimeProvider.System).ReadHead(BranchName.Parse("stable")).Sequence.Should().Be(8);
        await ServerCommand.DoAsync("--data", Data, "branch", "delete", "stable");
        await PublishAsync();
        new Branches(data, TimeProvider.System).ReadHead(BranchName.Parse("stable")).Sequence.Should().Be(9);
    }

    [Fact]
    public async Task Of_publishers_that_saw_the_same_head_one_moves_it_and_the_others_are_told()
    {
        await PublishAsync();
        var sources = Enumerable.Range(0, 6).Select(i =>
        {
            var source = _temporary[$"source-{i}"];
            Directory.CreateDirectory(source);
            File.WriteAllText(Path.Combine(source, "mine"), $"{i}");
            return source;
        }).ToArray();
        using var data = DataDirectory.Open(Data);
        using var barrier = new Barrier(sources.Length);
        var outcomes = await Task.WhenAll(sources.Select(source => Task.Factory.StartNew(() =>
        {
            var branches = new Branches(data, TimeProvider.System);
            var seen = branches.Read(BranchName.Parse("stable"));
            using var writer = data.Repository.BeginWriting();
            var options = new PublishOptions { Branch = seen.Branch, Source = source };
            var (import, provenance) = new SourceDirectory(options, Data).Import(writer, data.Cache, CancellationToken.None);
            var commit = Publisher.WriteCommit(options.Describe(import, provenance, seen.Head?.Commit, DateTimeOffset.UtcNow), writer);
            writer.Complete();
            barrier.SignalAndWait();
            try
            {
                branches.Advance(seen, CompleteClosure.Check(data.Repository, commit), BranchMove.Here(BranchMove.Publish));
                return commit;
            }
            catch (ContentTree.Store.Repositories.BranchMovedException)
            {
                return (ObjectId?)null;
            }
        }, TaskCreationOptions.LongRunning)));
        var winner = outcomes.Should().ContainSingle(o => o != null).Subject;
        new Branches(data, TimeProvider.System).ReadHead(BranchName.Parse("stable")).Commit.Should().Be(winner!.Value);
        FullCheck.Run(data, TimeProvider.System, CancellationToken.None).Damage.Should().BeEmpty();
    }

    [Fact]
    public async Task What_an_import_did_not_make_itself_is_looked_for()
    {
        await PublishAsync();
        using var data = DataDirectory.Open(Data);
        var commit = new Branches(data, TimeProvider.System).ReadHead(BranchName.Parse("stable")).Commit;
        using var writer = data.Repository.BeginWriting();
        new SourceDirectory(new PublishOptions { Branch = BranchName.Parse("stable"), Source = Source }, Data)
            .Import(writer, data.Cache, CancellationToken.None);
        Shell.Run("rm repo/objects/*/*.file", Data);
        var check = () => CompleteClosure.Check(data.Repository, commit, writer);
        check.Should().Throw<IncompleteCommitException>();
    }

    [Theory]
    [Trait("Category", "Slow")]
    [InlineData("few open files")]
    [InlineData("no root")]
    public async Task A_publisher_that_may_do_less_publishes_the_same(string kind)
    {
        Shell.Run("for i in $(seq 300); do echo $i > file$i; done", Source);
        var data = _temporary["other"];
        Shell.Run($"mkdir '{data}'; chown 65534:65534 '{data}'; chmod -R a+rX '{_temporary.Path}'");
        ServerProcess Start(params string[] args) =>
            kind == "no root" ? ServerProcess.StartAs(65534, ["--data", data, .. args]) : ServerProcess.StartWithOpenFiles(1024, ["--data", data, .. args]);
        using var init = Start("init");
        (await init.WaitAsync()).Should().Be(0, init.Error);
        using var publish = Start("publish", "--branch", "stable", Source);
        (await publish.WaitAsync()).Should().Be(0, publish.Error);
        using var check = Start("fsck");
        (await check.WaitAsync()).Should().Be(0, check.Error);
        Shell.Run("ls repo/objects/*/*.file | wc -l; find repo/staging -mindepth 1 | wc -l", data).Split().Should().StartWith(["301", "0"]);
    }

    [Fact]
    public async Task Two_publish_programs_at_once_lose_nothing()
    {
        await PublishAsync();
        var attempts = Enumerable.Range(0, 4).Select(async i =>
        {
            var source = _temporary[$"source-{i}"];
            Directory.CreateDirectory(source);
            File.WriteAllText(Path.Combine(source, "mine"), $"{i}");
            using var program = ServerProcess.Start("--data", Data, "publish", "--branch", "stable", source);
            var exit = await program.WaitAsync();
            return (Exit: exit, Commit: program.Output.TrimEnd());
        });
        var results = await Task.WhenAll(attempts);
        results.Should().OnlyContain(r => r.Exit == (int)ExitCode.Done || r.Exit == (int)ExitCode.Conflict);
        var done = results.Where(r => r.Exit == 0).Select(r => r.Commit).ToArray();
        done.Should().NotBeEmpty();
        // Whoever was told "done" is in the branch's line, for ever.
        var log = await ServerCommand.DoAsync("--data", Data, "log", "stable", "--json");
        done.Should().OnlyContain(commit => log.Out.Contains(commit));
    }

    [Fact]
    public async Task A_socket_is_refused_by_its_path()
    {
        Directory.CreateDirectory(Path.Combine(Source, "run"));
        var path = Path.Combine(Source, "run", "agent.sock");
        using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, 0);
        socket.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(path));
        var refused = await RunPublishAsync();
        refused.Exit.Should().Be((int)ExitCode.Failed);
        refused.Error.Should().Contain(path).And.Contain("socket");
        await NothingWasPublishedAsync();
    }

    [Fact]
    public async Task A_file_that_the_publisher_may_not_read_is_refused_by_its_path()
    {
        File.WriteAllText(Path.Combine(Source, "secret"), "s");
        Shell.Run($"chmod 755 '{_temporary.Path}'; chown -R 65534:65534 '{Data}'; chown 0:0 '{Source}/secret'; chmod 0 '{Source}/secret'");
        using var program = ServerProcess.StartAs(65534, "--data", Data, "publish", "--branch", "stable", Source);
        (await program.WaitAsync()).Should().Be((int)ExitCode.Failed, program.Error);
        program.Error.Should().Contain(Path.Combine(Source, "secret")).And.Contain("not readable");
        await NothingWasPublishedAsync();
    }

    [Fact]
    public async Task A_full_disk_ends_with_15_and_loses_nothing()
    {
        var disk = _temporary["disk"];
        Directory.CreateDirectory(disk);
        Shell.Run($"mount -t tmpfs -o size=6m tmpfs '{disk}'");
        try
        {
            var data = Path.Combine(disk, "data");
            await ServerCommand.DoAsync("--data", data, "init");
            await ServerCommand.DoAsync("--data", data, "publish", "--branch", "stable", Source);
            var before = File.ReadAllBytes(Path.Combine(data, "repo/heads/stable.json"));
            Shell.Run($"head -c 9000000 /dev/urandom > '{Source}/noise'");
            var full = await ServerCommand.RunAsync("--data", data, "publish", "--branch", "stable", Source);
            full.Exit.Should().Be((int)ExitCode.NoSpace, full.Error);
            full.Error.Should().Contain("make room");
            File.ReadAllBytes(Path.Combine(data, "repo/heads/stable.json")).Should().Equal(before);
            await ServerCommand.DoAsync("--data", data, "fsck");
            Directory.GetFileSystemEntries(Path.Combine(data, "repo/staging")).Should().BeEmpty("what did not fit must not go on taking space");

            Shell.Run($"head -c 1000000 /dev/urandom > '{Source}/noise'");
            await ServerCommand.DoAsync("--data", data, "publish", "--branch", "stable", Source);
        }
        finally
        {
            Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
            Shell.Run($"umount -l '{disk}'");
        }
    }

    [Theory]
    [Trait("Category", "Slow")]
    [InlineData(2, "publish", "SOURCE")]
    [InlineData(2, "publish", "--branch", "../x", "SOURCE")]
    [InlineData(2, "publish", "--branch", "stable", "--created", "yesterday", "SOURCE")]
    [InlineData(2, "publish", "--branch", "stable", "--owner", "root", "SOURCE")]
    [InlineData(2, "publish", "--branch", "stable", "--server", "ftp://x", "SOURCE")]
    [InlineData(2, "publish", "--branch", "stable", "--no-such-option", "SOURCE")]
    [InlineData(2, "serve", "--urls", "https://127.0.0.1:0")]
    [InlineData(2, "serve", "--urls", "http://127.0.0.1:0/path")]
    [InlineData(2, "serve", "--urls", "http://127.0.0.1:notaport")]
    [InlineData(2, "serve", "--urls", "http://")]
    [InlineData(2, "gc", "--grace", "-1")]
    [InlineData(2, "gc", "--grace", "2147483647")]
    [InlineData(2, "serve", "--interval", "0")]
    [InlineData(2, "serve", "--deltas", "-1")]
    [InlineData(2, "serve", "--delta-quota", "-1")]
    [InlineData(2, "delta", "stable")]
    [InlineData(2, "delta", "--list", "stable", "stable")]
    [InlineData(17, "delta", "nothing", "nowhere")]
    [InlineData(17, "delta", "--plan", "none", "nowhere")]
    [InlineData(1, "serve", "--urls", "http://192.0.2.1:1")]
    [InlineData(2, "no-such-verb")]
    [InlineData(2)]
    [InlineData(1, "publish", "--branch", "stable", "/no/such/directory")]
    [InlineData(1, "publish", "--branch", "stable", "SOURCE/file")]
    [InlineData(1, "publish", "--branch", "stable", "SOURCE/..")]
    [InlineData(17, "log", "nowhere")]
    [InlineData(17, "show", "0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData(17, "device", "show", "0123456789abcdef")]
    [InlineData(17, "branch", "delete", "nowhere")]
    [InlineData(17, "token", "revoke", "nothing")]
    [InlineData(2, "diff", "nowhere", "elsewhere")]
    [InlineData(2, "token", "create")]
    [InlineData(2, "token", "create", "--role", "emperor")]
    [InlineData(2, "token", "create", "--role", "viewer", "--uses", "3")]
    [InlineData(2, "device", "list", "--server", "http://127.0.0.1:1")]
    [InlineData(13, "device", "list", "--server", "http://127.0.0.1:1", "--token", "x")]
    public async Task Each_mistake_ends_with_its_own_code_and_a_sentence(int exit, params string[] args)
    {
        var result = await ServerCommand.RunAsync(["--data", Data, .. args.Select(a => a.Replace("SOURCE", Source, StringComparison.Ordinal))]);
        result.Exit.Should().Be(exit, result.Error);
        result.Error.Should().NotBeEmpty().And.NotContain("   at ");
        await NothingWasPublishedAsync();
    }

    [Fact]
    public async Task A_signal_ends_a_server_with_0_and_a_publish_with_130()
    {
        var (server, _) = await ServerProcess.ServeAsync(Data);
        using (server)
            (await server.SignalAsync("TERM")).Should().Be(0, server.Error);

        // A publish that has begun, because it waits for another one to move its branch.
        using var held = ContentTree.Store.Posix.OpenDirectory(Path.Combine(Data, "repo"));
        using var guard = ContentTree.Store.Posix.OpenOrCreateAt(held, "heads.lock"u8, 0x1a4);
        ContentTree.Store.Posix.TryLock(guard, exclusive: true, wait: true, "lock").Should().BeTrue();
        using var publish = ServerProcess.Start("--data", Data, "publish", "--branch", "stable", Source);
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (!File.ReadAllText("/proc/locks").Contains($"-> FLOCK  ADVISORY  WRITE {publish.Id} ", StringComparison.Ordinal))
            await Task.Delay(20, patience.Token);
        (await publish.SignalAsync("INT")).Should().Be((int)ExitCode.Cancelled, publish.Error);
        guard.Dispose();
        await NothingWasPublishedAsync();
    }

    [Fact]
    public async Task Without_data_every_verb_says_how_to_make_it()
    {
        var result = await ServerCommand.RunAsync("--data", _temporary["nothing"], "publish", "--branch", "stable", Source);
        result.Exit.Should().Be((int)ExitCode.NoStore);
        result.Error.Should().Contain("init");
        Directory.Exists(_temporary["nothing"]).Should().BeFalse();
    }

    [Fact]
    public async Task A_key_that_the_trust_root_does_not_name_publishes_nothing()
    {
        using var stranger = ContentTree.Store.Trust.SigningKey.Generate();
        File.WriteAllText(Path.Combine(Data, "keys/release.pem"), stranger.ToPem());
        (await RunPublishAsync()).Should().Match<ServerCommand>(r => r.Exit == (int)ExitCode.NotFound && r.Error.Contains("0 of 1 release keys", StringComparison.Ordinal));
        await NothingWasPublishedAsync();
        File.Delete(Path.Combine(Data, "keys/release.pem"));
        (await RunPublishAsync()).Error.Should().Contain("/keys");
        await NothingWasPublishedAsync();
    }

    public void Dispose() => _temporary.Dispose();

    private Task<ServerCommand> RunPublishAsync(params string[] options) =>
        ServerCommand.RunAsync(["--data", Data, "publish", "--branch", "stable", .. options, Source]);

    private Task<ServerCommand> PublishAsync(params string[] options) =>
        ServerCommand.DoAsync(["--data", Data, "publish", "--branch", "stable", .. options, Source]);

    private async Task NothingWasPublishedAsync()
    {
        (await ServerCommand.DoAsync("--data", Data, "branch", "list")).Out.Should().BeEmpty();
        (await ServerCommand.DoAsync("--data", Data, "fsck")).Error.Should().Contain("0 damaged");
    }
}
