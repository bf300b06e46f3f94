using System.Diagnostics;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>A server's data, copied while it is used, and put back.</summary>
public sealed class BackupTests : IDisposable
{
    private const int Kills = 4;

    private readonly TemporaryDirectory _temporary = new();

    private string Data => _temporary["data"];

    private string Backups => _temporary["backups"];

    [Theory]
    [InlineData("backups")]
    [InlineData("backup.tar")]
    public async Task A_restored_server_has_what_the_first_one_had_and_goes_on(string name)
    {
        await PublishAsync("one");
        var token = (await DoAsync("token", "create", "--role", "viewer")).LastLine;
        await DoAsync("branch", "create", "secret", "--private", "--at", "stable");

        File.WriteAllText(_temporary["recipe"], "/ = stable\n/x ?= none\n");
        await DoAsync("recipe", "set", "fleet/one", _temporary["recipe"]);

        var written = await DoAsync("backup", _temporary[name]);

        written.Error.Should().Contain("private keys are in it");
        ModeOf(written.LastLine).Should().Be(0x180, "it holds private keys");
        var restored = await ServerCommand.DoAsync("--data", _temporary["new"], "restore", _temporary[name]);
        restored.Error.Should().Contain(" 0 damaged");
        (await InAsync("new", "branch", "list")).Out.Should().Be((await DoAsync("branch", "list")).Out).And.Contain("allowed");
        (await InAsync("new", "log", "stable")).Out.Should().Be((await DoAsync("log", "stable")).Out);
        (await InAsync("new", "token", "list")).Out.Should().Contain(token.Split('.')[0]["ctree-".Length..]);
        (await InAsync("new", "recipe", "show", "fleet/one")).Out.Should().Contain("/x ?= none");
        (await InAsync("new", "cat", "stable", "file")).Out.Should().Be("one");
        await InAsync("new", "publish", "--branch", "stable", Source("two"));
        (await InAsync("new", "cat", "stable", "file")).Out.Should().Be("two");
        Directory.GetFiles(_temporary["new"], "*.pem", SearchOption.AllDirectories).Should().HaveCount(3)
            .And.OnlyContain(key => ModeOf(key) == 0x180);
    }

    [Fact]
    public async Task Only_new_objects_travel_and_old_backups_go_with_what_only_they_had()
    {
        await PublishAsync("one");
        await DoAsync("backup", Backups);
        await PublishAsync("two");

        var second = await DoAsync("backup", Backups);
        second.Error.Should().Contain("6 objects, 3 of them copied now");
        (await DoAsync("backup", Backups)).Error.Should().Contain("0 of them copied now");

        await DoAsync("gc", "--grace", "0", "--keep", "1");
        (await DoAsync("backup", Backups, "--keep", "1")).Error.Should().Contain("removed 3 older backups and 3 objects");
        Directory.GetFiles(Backups).Select(Path.GetFileName).Should().HaveCount(3, "an archive, its list and the lock").And.Contain("000004.objects");
        await ServerCommand.DoAsync("--data", _temporary["new"], "restore", Backups);
        (await InAsync("new", "cat", "stable", "file")).Out.Should().Be("two");
    }

    [Fact]
    public async Task An_older_backup_is_restored_by_its_name()
    {
        await PublishAsync("one");
        var first = await DoAsync("backup", Backups);
        await PublishAsync("two");
        await DoAsync("backup", Backups);

        await ServerCommand.DoAsync("--data", _temporary["new"], "restore", first.LastLine);

        (await InAsync("new", "cat", "stable", "file")).Out.Should().Be("one");
    }

    [Fact]
    public async Task A_backup_without_keys_says_what_is_missing()
    {
        await PublishAsync("one");
        (await DoAsync("backup", Backups, "--without-keys")).Error.Should().Contain("no private keys are in it");

        var restored = await ServerCommand.DoAsync("--data", _temporary["new"], "restore", Backups);

        restored.Error.Should().Contain("no private keys were in it");
        Directory.GetFiles(_temporary["new"], "*.pem", SearchOption.AllDirectories).Should().BeEmpty();
        (await ServerCommand.RunAsync("--data", _temporary["new"], "publish", "--branch", "stable", Source("two"))).Exit.Should().Be((int)ExitCode.NotFound, "nobody makes a key of his own");
    }

    [Fact]
    public async Task A_torn_or_damaged_archive_is_refused_before_anything_is_written()
    {
        await PublishAsync("one");
        await DoAsync("backup", _temporary["whole.tar"]);
        var whole = File.ReadAllBytes(_temporary["whole.tar"]);
        for (var cut = 0; cut < whole.Length - 1024; cut += Math.Max(512, whole.Length / 40))
            await RefusedAsync(whole[..cut]);
        var flipped = (byte[])whole.Clone();
        flipped[whole.AsSpan().IndexOf("SQLite format 3"u8) + 300] ^= 1;
        await RefusedAsync(flipped);

        async Task RefusedAsync(byte[] bytes)
        {
            File.WriteAllBytes(_temporary["bad.tar"], bytes);
            var result = await ServerCommand.RunAsync("--data", _temporary["new"], "restore", _temporary["bad.tar"]);
            result.Exit.Should().Be((int)ExitCode.VerificationFailed, result.Error);
            Directory.Exists(_temporary["new"]).Should().BeFalse();
        }
    }

    [Fact]
    public async Task A_missing_object_of_the_pool_is_noticed_before_and_a_damaged_one_by_the_check()
    {
        await PublishAsync("one");
        await DoAsync("backup", Backups);
        var stored = Directory.GetFiles(Path.Combine(Backups, "pool/objects"), "*.file", SearchOption.AllDirectories).Single();
        var bytes = File.ReadAllBytes(stored);
        File.Delete(stored);
        (await ServerCommand.RunAsync("--data", _temporary["new"], "restore", Backups)).Exit.Should().Be((int)ExitCode.VerificationFailed);
        Directory.Exists(_temporary["new"]).Should().BeFalse();

        bytes[^6] ^= 1;
        File.WriteAllBytes(stored, bytes);
        var damaged = await ServerCommand.RunAsync("--data", _temporary["new"], "restore", Backups);
        damaged.Exit.Should().Be((int)ExitCode.VerificationFailed);
        damaged.Out.Should().Contain(".file");
        (await ServerCommand.RunAsync("--data", _temporary["new"], "branch", "list")).Exit.Should().Be((int)ExitCode.NoStore, "nobody is served from it by accident");
        await ServerCommand.DoAsync("--data", _temporary["new"], "restore", Backups, "--no-check");
        await InAsync("new", "branch", "list");
    }

    [Theory]
    [InlineData("backups", false)]
    [InlineData("backups", true)]
    [InlineData("backup.tar", false)]
    public async Task A_damaged_object_is_left_out_and_named_and_the_next_backup_takes_the_mended_one(string name, bool isCut)
    {
        var first = await PublishAsync("one");
        if (name == "backups")
            await DoAsync("backup", Backups);
        await PublishAsync("two");
        var stored = Shell.Run("ls -t repo/objects/*/*.file | head -1", Data).Trim();
        var bytes = File.ReadAllBytes(Path.Combine(Data, stored));
        bytes[^6] ^= 1;
        File.WriteAllBytes(Path.Combine(Data, stored), isCut ? bytes[..^6] : bytes);

        var partial = await ServerCommand.RunAsync(["--data", Data, "backup", _temporary[name], .. name == "backups" ? new[] { "--keep", "1" } : []]);

        partial.Exit.Should().Be((int)ExitCode.Partial, partial.Error);
        partial.Error.Should().Contain("left out: " + stored.Replace("repo/objects/", "", StringComparison.Ordinal).Replace("/", "", StringComparison.Ordinal)).And.NotContain("removed");
        await ServerCommand.DoAsync("--data", _temporary["new"], "restore", "--no-check", _temporary[name]);
        (await InAsync("new", "cat", first, "file")).Out.Should().Be("one", "all else is in it");
        File.Exists(Path.Combine(_temporary["new"], stored)).Should().BeFalse();

        await DoAsync("publish", "--branch", "stable", "--no-cache", Source("two"));
        File.Delete(_temporary["backup.tar"]);
        await DoAsync("backup", _temporary[name]);
        await ServerCommand.DoAsync("--data", _temporary["mended"], "restore", _temporary[name]);
        (await InAsync("mended", "cat", "stable", "file")).Out.Should().Be("two");
    }

    [Fact]
    public async Task Files_that_are_called_almost_as_a_backup_are_somebody_elses()
    {
        await PublishAsync("one");
        await DoAsync("backup", Backups);
        string[] others = ["000009-notes.tar", "1-20261122T031500Z.tar", "2026-11-22.tar", "000001-20261122T031500Z.tar.tar", "000001-20261322T031500Z.tar", "000001- 20261122T031500Z.tar", "notes.objects", "7.objects"];
        foreach (var other in others)
            File.WriteAllText(Path.Combine(Backups, other), "mine");

        (await DoAsync("backup", Backups, "--keep", "1")).LastLine.Should().Contain("/000002-");

        Directory.GetFiles(Backups).Select(Path.GetFileName).Should().Contain(others).And.HaveCount(others.Length + 3);
    }

    [Fact]
    public async Task Nobody_else_reads_a_backup_in_a_directory_that_others_may_read()
    {
        await PublishAsync("one");
        Directory.CreateDirectory(Path.Combine(Backups, "pool"));
        Shell.Run("chmod 755 . pool; touch 000001.objects; chmod 644 000001.objects", Backups);
        for (var round = 0; round < 2; round++)
        {
            await DoAsync("backup", Backups);
            Shell.Run("find . -mindepth 1 -maxdepth 1 ! -name pool -perm /077; stat -c %a pool", Backups).Trim().Should().Be("700");
            Shell.Run("chmod 755 pool; chmod 644 *.objects", Backups);
        }
    }

    [Fact]
    public async Task Only_an_empty_directory_is_restored_into()
    {
        await PublishAsync("one");
        await DoAsync("backup", Backups);

        (await ServerCommand.RunAsync("--data", Data, "restore", Backups)).Exit.Should().Be((int)ExitCode.Conflict);
        (await ServerCommand.RunAsync("--data", _temporary["new"], "restore", _temporary["nothing"])).Exit.Should().Be((int)ExitCode.NotFound);
        (await ServerCommand.RunAsync("--data", Data, "backup", Path.Combine(Data, "cache/x.tar"))).Exit.Should().Be((int)ExitCode.Usage);
        (await InAsync("data", "cat", "stable", "file")).Out.Should().Be("one");
    }

    [Fact]
    public async Task A_member_that_leads_elsewhere_is_refused()
    {
        await PublishAsync("one");
        foreach (var name in new[] { "data/../escaped", "data/repo/heads/../../x.json", "data/cache/x", "/etc/x", "data/keys/.hidden.pem", "objects/ab/../../x.file" })
        {
            File.Delete(_temporary["hostile.tar"]);
            await using (var file = File.Create(_temporary["hostile.tar"]))
            await using (var tar = new System.Formats.Tar.TarWriter(file))
                await tar.WriteEntryAsync(new System.Formats.Tar.PaxTarEntry(System.Formats.Tar.TarEntryType.RegularFile, name) { DataStream = new MemoryStream([1]) });

            var result = await ServerCommand.RunAsync("--data", _temporary["new"], "restore", _temporary["hostile.tar"]);

            result.Error.Should().Contain("does not belong");
        }
        Directory.Exists(_temporary["new"]).Should().BeFalse();
    }

    [Fact, Trait("Category", "Slow")]
    public async Task Every_backup_that_is_written_while_others_publish_and_collect_is_whole()
    {
        await PublishAsync("first");
        using var ending = new CancellationTokenSource();
        var publishing = Task.Run(async () =>
        {
            for (var round = 0; !ending.IsCancellationRequested; round++)
            {
                await DoAsync("publish", "--branch", $"b{round % 3}", Source($"round {round}", "moving"));
                await ServerCommand.RunAsync("--data", Data, "gc", "--grace", "0", "--keep", "2");
            }
        });
        try
        {
            for (var round = 0; round < 5; round++)
            {
                var target = round % 2 == 0 ? Backups : _temporary[$"{round}.tar"];
                await DoAsync("backup", target);
                await ServerCommand.DoAsync("--data", _temporary[$"new-{round}"], "restore", target);
                (await InAsync($"new-{round}", "fsck")).Error.Should().Contain(" 0 damaged");
            }
        }
        finally
        {
            await ending.CancelAsync();
            await publishing;
        }
    }

    [Fact, Trait("Category", "Slow")]
    public async Task A_killed_backup_leaves_the_older_one_and_a_killed_restore_goes_on()
    {
        Directory.CreateDirectory(_temporary["source"]);
        for (var file = 0; file < 1000; file++)
            File.WriteAllText(Path.Combine(_temporary["source"], $"{file}"), $"{file}");
        await DoAsync("init");
        await DoAsync("publish", "--branch", "stable", _temporary["source"]);
        await DoAsync("backup", Backups);
        var killed = await KillAsync(["--data", Data, "backup", Backups], () => Directory.Delete(Path.Combine(Backups, "pool"), recursive: true), async () =>
        {
            // What was taken out of the pool is back when a backup is made again.
            await DoAsync("backup", Backups);
            await ServerCommand.DoAsync("--data", _temporary["checked"], "restore", Backups);
            Directory.Delete(_temporary["checked"], recursive: true);
        });
        killed += await KillAsync(["--data", _temporary["new"], "restore", Backups], () => { }, async () =>
        {
            if (!Directory.Exists(_temporary["new"]))
                return;
            if ((await ServerCommand.RunAsync("--data", _temporary["new"], "branch", "list")).Exit != 0)
                await ServerCommand.DoAsync("--data", _temporary["new"], "restore", Backups);
            (await InAsync("new", "fsck")).Error.Should().Contain(" 0 damaged");
            Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
            Directory.Delete(_temporary["new"], recursive: true);
        });
        killed.Should().BeGreaterThan(Kills, "a kill that comes after the end proves nothing");
    }

    [Fact]
    public async Task A_server_of_yesterday_learns_from_devices_what_it_published_and_never_uses_a_number_twice()
    {
        await using var server = await TestServer.StartAsync();
        var commits = new List<PublishResult>();
        for (var round = 1; round <= 12; round++)
        {
            server.WriteSource("file", $"{round}");
            commits.Add(server.Publish());
            if (round == 10)
                await ServerCommand.DoAsync("--data", server.DataPath, "backup", server["backup.tar"]);
        }
        var newest = server.Data.Repository.Heads.ReadNewest(BranchName.Parse("stable"))!;
        await ServerCommand.DoAsync("--data", server["yesterday"], "restore", server["backup.tar"]);
        await using var restored = await TestServer.StartAsync(server["yesterday"]);
        using var device = new TestDevice(restored);
        await device.EnrolAsync(restored.NewToken(TokenRole.Enrol));
        var poll = new PollRequest(BranchName.Parse("stable"), "good", 1, 12, ObjectId.Of(newest), commits[^1].Commit);

        (await ReadAsync(await device.PollAsync(poll), ProtocolJson.Default.PollAnswer)).Prove.Should().BeTrue();
        var proved = await device.SendAsync(Routes.Heads, new HeadProof(BranchName.Parse("stable"), new RawJson(newest)), ProtocolJson.Default.HeadProof);
        (await ReadAsync(proved, ProtocolJson.Default.HeadProofAnswer)).Sequence.Should().Be(12);
        (await ReadAsync(await device.PollAsync(poll), ProtocolJson.Default.PollAnswer)).Prove.Should().BeNull("it is asked once");
        (await ServerCommand.DoAsync("--data", restored.DataPath, "device", "list")).Out.Should().Contain("ahead");

        restored.WriteSource("file", "after the restore");
        restored.Publish().Sequence.Should().Be(13);
        (await ServerCommand.DoAsync("--data", restored.DataPath, "fsck")).Error.Should().Contain(" 0 damaged");
        (await ServerCommand.DoAsync("--data", restored.DataPath, "device", "list")).Out.Should().NotContain("ahead");
    }

    [Fact]
    public async Task A_number_that_names_two_commits_is_an_alarm_and_a_device_cannot_make_a_number_up()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        server.Publish();
        await ServerCommand.DoAsync("--data", server.DataPath, "backup", server["backup.tar"]);
        server.WriteSource("file", "two");
        server.Publish();
        var lost = server.Data.Repository.Heads.ReadNewest(BranchName.Parse("stable"))!;
        await ServerCommand.DoAsync("--data", server["yesterday"], "restore", server["backup.tar"]);
        await using var restored = await TestServer.StartAsync(server["yesterday"]);
        using var device = new TestDevice(restored);
        await device.EnrolAsync(restored.NewToken(TokenRole.Enrol));
        restored.WriteSource("file", "another two");
        restored.Publish().Sequence.Should().Be(2);

        await device.PollAsync(new PollRequest(BranchName.Parse("stable"), "good", 1, long.MaxValue - 1, ObjectId.Of("made up"u8)));
        (await device.SendAsync(Routes.Heads, new HeadProof(BranchName.Parse("stable"), new RawJson("{}"u8.ToArray())), ProtocolJson.Default.HeadProof)).IsSuccessStatusCode.Should().BeFalse();
        await device.SendAsync(Routes.Heads, new HeadProof(BranchName.Parse("stable"), new RawJson(lost)), ProtocolJson.Default.HeadProof);

        (await ServerCommand.DoAsync("--data", restored.DataPath, "device", "list")).Out.Should().Contain("(fork)");
        restored.WriteSource("file", "three");
        restored.Publish().Sequence.Should().Be(3, "what a device says without a signature counts for nothing");
        await ServerCommand.DoAsync("--data", restored.DataPath, "device", "accept", device.Id.ToString());
        (await ServerCommand.DoAsync("--data", restored.DataPath, "device", "list")).Out.Should().NotContain("(fork)");
    }

    public void Dispose() => _temporary.Dispose();

    private static int ModeOf(string path)
    {
        using var file = Posix.OpenForReading(path);
        return Posix.Stat(file, path).Permissions;
    }

    private static async Task<int> KillAsync(string[] args, Action before, Func<Task> after)
    {
        var killed = 0;
        var whole = TimeSpan.FromSeconds(1);
        for (var round = 0; round < Kills; round++)
        {
            before();
            using var program = ServerProcess.Start(args);
            var clock = Stopwatch.StartNew();
            var ended = program.WaitAsync();
            if (await Task.WhenAny(ended, Task.Delay(whole * ((round + 0.5) / Kills))) == ended)
                whole = clock.Elapsed;
            else
                killed += await program.KillAsync() ? 1 : 0;
            await after();
        }
        return killed;
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage answer, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        answer.IsSuccessStatusCode.Should().BeTrue(await answer.Content.ReadAsStringAsync());
        return System.Text.Json.JsonSerializer.Deserialize(await answer.Content.ReadAsByteArrayAsync(), type)!;
    }

    private Task<ServerCommand> DoAsync(params string[] args) => InAsync("data", args);

    private Task<ServerCommand> InAsync(string data, params string[] args) => ServerCommand.DoAsync(["--data", _temporary[data], .. args]);

    private async Task<string> PublishAsync(string content)
    {
        await DoAsync("init");
        return (await DoAsync("publish", "--branch", "stable", Source(content))).LastLine;
    }

    private string Source(string content, string name = "source")
    {
        Directory.CreateDirectory(_temporary[name]);
        File.WriteAllText(Path.Combine(_temporary[name], "file"), content);
        return _temporary[name];
    }
}
