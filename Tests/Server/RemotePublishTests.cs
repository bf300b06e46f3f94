using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using ContentTree.Server.Publishing;
using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>publish --server: only what is missing travels, and nothing is believed.</summary>
public sealed class RemotePublishTests
{
    [Fact]
    public async Task A_remote_publish_makes_the_commit_that_a_local_one_would()
    {
        await using var server = await TestServer.StartAsync();
        AwkwardTree.Make(server["awkward"]);
        await ServerCommand.DoAsync("--data", server["other"], "init");
        var local = await ServerCommand.DoAsync("--data", server["other"], "publish", "--branch", "stable", "--created", "@1000000000", server["awkward"]);
        var remote = await PublishAsync(server, server["awkward"], "--created", "@1000000000");
        remote.LastLine.Should().Be(local.LastLine);
        FullCheck.Run(server.Data, server.Time, CancellationToken.None).Damage.Should().BeEmpty();
        await ServerCommand.DoAsync("--data", server.DataPath, "checkout", "stable", server["out"]);
        AwkwardTree.Describe(server["out"]).Should().Be(AwkwardTree.Describe(server["awkward"]));
    }

    [Fact]
    public async Task Only_missing_objects_travel()
    {
        await using var server = await TestServer.StartAsync();
        for (var i = 0; i < 50; i++)
            server.WriteSource($"file-{i}", $"content {i}");
        (await PublishAsync(server, server.Source)).Error.Should().Contain("52 new objects");
        server.WriteSource("file-3", "other content");
        (await PublishAsync(server, server.Source)).Error.Should().Contain("sequence 2: 3 new objects", "a file, the root tree and the commit");
        var again = await PublishAsync(server, server.Source);
        again.Error.Should().Contain("nothing new");
        Shell.Run($"rm -rf '{server.Cache}'");
        server.WriteSource("file-4", "other content again");
        (await PublishAsync(server, server.Source)).Error.Should().Contain("sequence 3: 3 new objects", "the server's objects count, not the cache");
    }

    [Fact]
    public async Task A_server_without_release_keys_takes_what_the_publisher_signed_itself()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSettings("release.keys = external\n");
        Directory.Move(Path.Combine(server.DataPath, "keys"), server["safe"]);
        File.WriteAllText(Path.Combine(server.DataPath, "keys"), "whoever opens this as a directory fails");
        await server.RestartAsync();
        server.WriteSource("file", "one");

        var refused = await ServerCommand.RunAsync(["publish", "--server", server.Url, "--token", server.Admin, "--cache", server.Cache, "--branch", "stable", server.Source]);
        refused.Exit.Should().Be((int)ExitCode.Partial, refused.Error);
        refused.Error.Should().Contain("--key");
        server.Data.Repository.Heads.List().Should().BeEmpty();

        var published = await PublishAsync(server, server.Source, "--key", server["safe/release.pem"]);
        var head = server.Data.Trust.Load().VerifyHead(server.Data.Repository.Heads.ReadNewest(BranchName.Parse("stable")), BranchName.Parse("stable"));
        (head.Commit.ToString(), head.Sequence).Should().Be((published.LastLine, 1));

        server.WriteSource("file", "two");
        (await PublishAsync(server, server.Source, "--unsigned", server["head.json"])).Error.Should().Contain("signed by 0");
        await ServerCommand.DoAsync("sign", server["head.json"], "--key", server["safe/release.pem"]);
        File.Delete(Path.Combine(server.DataPath, "keys"));
        (await ServerCommand.DoAsync("--data", server.DataPath, "branch", "advance", "stable", server["head.json"])).Exit.Should().Be(0);
    }

    [Fact]
    public async Task A_key_that_plays_no_role_moves_no_branch()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        await ServerCommand.DoAsync("key", "new", server["stranger.pem"]);
        var refused = await ServerCommand.RunAsync([
            "publish", "--server", server.Url, "--token", server.Admin, "--cache", server.Cache, "--branch", "stable", "--key", server["stranger.pem"], server.Source]);
        refused.Exit.Should().Be((int)ExitCode.VerificationFailed, refused.Error);
        server.Data.Repository.Heads.List().Should().BeEmpty();
    }

    [Fact]
    public async Task A_wrong_token_ends_with_12_before_anything_is_read()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        var expired = server.NewToken(TokenRole.Publisher, expires: server.Time.GetUtcNow().AddMinutes(1));
        server.Time.Ahead = TimeSpan.FromMinutes(2);
        foreach (var token in new[] { "wrong", server.Admin[..^1], expired, server.NewToken(TokenRole.Viewer), server.NewToken(TokenRole.Operator), server.NewToken(TokenRole.Enrol) })
        {
            var refused = await ServerCommand.RunAsync("publish", "--server", server.Url, "--token", token, "--cache", server.Cache, "--branch", "stable", server.Source);
            refused.Exit.Should().Be((int)ExitCode.NotAuthorised, refused.Error);
        }
        Directory.Exists(server.Cache).Should().BeFalse();
    }

    [Fact]
    public async Task A_server_that_is_not_there_ends_with_13()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        var refused = await ServerCommand.RunAsync("publish", "--server", "http://127.0.0.1:1", "--token", "x", "--cache", server.Cache, "--branch", "stable", server.Source);
        refused.Exit.Should().Be((int)ExitCode.Unreachable);
        refused.Error.Should().Contain("127.0.0.1:1");
    }

    [Fact]
    public async Task A_head_moves_only_from_where_the_publisher_saw_it()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        var first = server.Publish();
        server.WriteSource("file", "two");
        var second = server.Publish();
        foreach (var (sequence, commit) in new (long, ObjectId?)[] { (0, null), (1, first.Commit), (2, first.Commit), (3, null) })
        {
            var answer = await MoveAsync(server, new MoveHeadRequest(BranchName.Parse("stable"), first.Commit, sequence, commit));
            await answer.ShouldBeProblemAsync(ProblemCode.BranchMoved);
        }
        var back = await MoveAsync(server, new MoveHeadRequest(BranchName.Parse("stable"), first.Commit, 2, second.Commit));
        back.StatusCode.Should().Be(HttpStatusCode.OK);
        new Branches(server.Data, server.Time).ReadHead(BranchName.Parse("stable")).Sequence.Should().Be(3);
    }

    [Fact]
    public async Task A_commit_with_anything_missing_never_becomes_a_head()
    {
        await using var server = await TestServer.StartAsync();
        var absent = ObjectId.Of("absent"u8);
        var tree = new Tree(Metadata.Plain(0x1ed), [new TreeEntry.File(EntryName.Create("file"), Metadata.Plain(0x1a4), 6, absent)]);
        var commit = new Commit { Tree = ObjectId.Of(tree.Encode()), Created = DateTimeOffset.UnixEpoch, Source = new CommitSource(CommitSourceKind.Directory) };
        var move = new MoveHeadRequest(BranchName.Parse("stable"), commit.Id, 0);
        await (await MoveAsync(server, move)).ShouldBeProblemAsync(ProblemCode.Incomplete);
        (await PutAsync(server, ObjectKind.Commit, commit.Encode())).StatusCode.Should().Be(HttpStatusCode.Created);
        await (await MoveAsync(server, move)).ShouldBeProblemAsync(ProblemCode.Incomplete);
        (await PutAsync(server, ObjectKind.Tree, tree.Encode())).StatusCode.Should().Be(HttpStatusCode.Created);
        (await (await MoveAsync(server, move)).ShouldBeProblemAsync(ProblemCode.Incomplete)).Detail.Should().Contain(absent.ToString());
        server.Data.Repository.Heads.List().Should().BeEmpty();
        (await PutAsync(server, ObjectKind.File, "absent"u8.ToArray())).StatusCode.Should().Be(HttpStatusCode.Created);
        (await PutAsync(server, ObjectKind.File, "absent"u8.ToArray())).StatusCode.Should().Be(HttpStatusCode.OK, "uploads may be repeated");
        (await MoveAsync(server, move)).StatusCode.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task An_upload_that_is_not_what_its_name_says_does_not_enter()
    {
        await using var server = await TestServer.StartAsync();
        var content = RandomNumberGenerator.GetBytes(600_000);
        var good = Frame(content);
        var name = new ObjectName(ObjectKind.File, ObjectId.Of(content));
        var flipped = (byte[])good.Clone();
        flipped[good.Length / 2] ^= 1;
        var lying = (byte[])good.Clone();
        lying[6] ^= 1;
        var frames = new Dictionary<string, byte[]>
        {
            ["flipped"] = flipped,
            ["truncated"] = good[..^1],
            ["truncated in the middle"] = good[..(good.Length / 2)],
            ["followed by more"] = [.. good, 0],
            ["twice"] = [.. good, .. good],
            ["of other content"] = Frame(content[..^1]),
            ["of a wrong announced size"] = lying,
            ["not compressed"] = content,
            ["empty"] = [],
        };
        foreach (var (what, frame) in frames)
        {
            var problem = await (await PutAsync(server, name, frame)).ShouldBeProblemAsync(ProblemCode.BadObject);
            problem.Detail.Should().Contain(name.ToString(), what);
        }
        var missing = await MissingAsync(server, name);
        missing.Should().Equal(name);
        (await PutAsync(server, name, good)).StatusCode.Should().Be(HttpStatusCode.Created);
        (await MissingAsync(server, name)).Should().BeEmpty("it was taken in, though no head needs it yet");
    }

    [Fact]
    public async Task A_bomb_costs_no_memory_and_does_not_enter()
    {
        await using var server = await TestServer.StartAsync();
        // 1 GiB of zeros in 4 MB, in blocks like ours, behind a header that says 1 byte.
        Shell.Run($"head -c 1073741824 /dev/zero | lz4 -q -B4 -BD > '{server["bomb"]}'");
        const int lz4Header = 7;
        const int ourHeader = 15;
        byte[] bomb = [.. Frame([0]).AsSpan(0, ourHeader), .. File.ReadAllBytes(server["bomb"]).AsSpan(lz4Header)];
        var name = new ObjectName(ObjectKind.File, ObjectId.Of([0]));
        var before = GC.GetTotalAllocatedBytes();
        var problem = await (await PutAsync(server, name, bomb)).ShouldBeProblemAsync(ProblemCode.BadObject);
        problem.Detail.Should().Contain("more than the content size");
        (GC.GetTotalAllocatedBytes() - before).Should().BeLessThan(64 << 20);
    }

    [Theory]
    [InlineData("a name that leads up", "..")]
    [InlineData("a name with a slash", "a/b")]
    public async Task A_hostile_tree_does_not_enter(string what, string name)
    {
        await using var server = await TestServer.StartAsync();
        var placeholder = new string('x', name.Length);
        var bytes = new Tree(Metadata.Plain(0x1ed), [new TreeEntry.Fifo(EntryName.Create(placeholder), Metadata.Plain(0x1a4))]).Encode();
        var at = bytes.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(placeholder));
        System.Text.Encoding.ASCII.GetBytes(name).CopyTo(bytes, at);
        var problem = await (await PutAsync(server, ObjectKind.Tree, bytes)).ShouldBeProblemAsync(ProblemCode.BadObject);
        problem.Detail.Should().NotBeNullOrEmpty(what);
        await (await PutAsync(server, ObjectKind.Commit, "{}"u8.ToArray())).ShouldBeProblemAsync(ProblemCode.BadObject);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("..%2f..%2fkeys%2frelease.pem")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000.exe")]
    [InlineData("000000000000000000000000000000000000000000000000000000000000000A.file")]
    public async Task Only_names_of_objects_can_be_uploaded(string name)
    {
        await using var server = await TestServer.StartAsync();
        var before = Shell.Run($"cd '{server.DataPath}'; find . -type f -not -name 'server.db*' | sort");
        using var content = new ByteArrayContent(Frame([1, 2, 3]));
        await (await server.SendAsync(HttpMethod.Put, $"{Routes.PublishObjects}/{name}", content, server.Admin)).ShouldBeProblemAsync(ProblemCode.BadRequest);
        Shell.Run($"cd '{server.DataPath}'; find . -type f -not -name 'server.db*' | sort").Should().Be(before);
    }

    [Fact]
    public async Task Garbage_collection_runs_beside_a_serving_server_and_spares_what_a_publisher_was_told_is_there()
    {
        await using var server = await TestServer.StartAsync();
        var name = new ObjectName(ObjectKind.File, ObjectId.Of("kept"u8));
        await PutAsync(server, name, Frame("kept"u8.ToArray()));
        var path = Path.Combine(server.DataPath, "repo", name.RelativePath);
        // The uploads' writer ends by itself, when nothing more comes.
        while (!File.Exists(path))
            await Task.Delay(20);
        var fresh = await ServerCommand.DoAsync("--data", server.DataPath, "gc", "--wait");
        fresh.Out.Should().StartWith("removed 0 objects");
        File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddDays(-3));
        (await MissingAsync(server, name)).Should().BeEmpty();
        await ServerCommand.DoAsync("--data", server.DataPath, "gc", "--wait");
        File.Exists(path).Should().BeTrue("a publisher was just told that it need not be sent");
        File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddDays(-3));
        await ServerCommand.DoAsync("--data", server.DataPath, "gc", "--wait");
        File.Exists(path).Should().BeFalse();
        (await MissingAsync(server, name)).Should().Equal(name);
    }

    [Fact]
    public async Task A_full_disk_on_the_server_is_said_and_nothing_is_lost()
    {
        var source = Directory.CreateTempSubdirectory("ctree-source-").FullName;
        using var temporary = new TemporaryDirectory();
        var disk = temporary["disk"];
        Directory.CreateDirectory(disk);
        Shell.Run($"mount -t tmpfs -o size=6m tmpfs '{disk}'; echo one > '{source}/file'");
        try
        {
            var data = Path.Combine(disk, "data");
            await ServerCommand.DoAsync("--data", data, "init");
            var token = (await ServerCommand.DoAsync("--data", data, "token", "create", "--role", "publisher")).LastLine;
            var (process, url) = await ServerProcess.ServeAsync(data);
            using var serving = process;
            string[] publish = ["publish", "--server", url, "--token", token, "--cache", temporary["cache"], "--branch", "stable", source];
            await ServerCommand.DoAsync(publish);
            Shell.Run($"head -c 9000000 /dev/urandom > '{source}/noise'");
            var full = await ServerCommand.RunAsync(publish);
            full.Exit.Should().Be((int)ExitCode.NoSpace, full.Error);
            Shell.Run($"head -c 1000000 /dev/urandom > '{source}/noise'");
            (await ServerCommand.DoAsync(publish)).Error.Should().Contain("sequence 2");
            await ServerCommand.DoAsync("--data", data, "fsck");
        }
        finally
        {
            Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
            Shell.Run($"umount -l '{disk}'");
            Directory.Delete(source, recursive: true);
        }
    }

    private static Task<ServerCommand> PublishAsync(TestServer server, string source, params string[] options) => ServerCommand.DoAsync(
        ["publish", "--server", server.Url, "--token", server.Admin, "--cache", server.Cache, "--branch", "stable", .. options, source]);

    private static Task<HttpResponseMessage> PutAsync(TestServer server, ObjectKind kind, byte[] content) =>
        PutAsync(server, new ObjectName(kind, ObjectId.Of(content)), Frame(content));

    private static async Task<HttpResponseMessage> PutAsync(TestServer server, ObjectName name, byte[] frame)
    {
        using var content = new ByteArrayContent(frame);
        return await server.SendAsync(HttpMethod.Put, Routes.PublishObject(name), content, server.Admin);
    }

    private static async Task<HttpResponseMessage> MoveAsync(TestServer server, MoveHeadRequest request)
    {
        using var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(request, ProtocolJson.Default.MoveHeadRequest));
        return await server.SendAsync(HttpMethod.Post, Routes.PublishHeads, content, server.Admin);
    }

    private static async Task<IReadOnlyList<ObjectName>> MissingAsync(TestServer server, params ObjectName[] names)
    {
        using var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(new MissingRequest(names), ProtocolJson.Default.MissingRequest));
        using var answer = await server.SendAsync(HttpMethod.Post, Routes.PublishMissing, content, server.Admin);
        return JsonSerializer.Deserialize(await answer.Content.ReadAsByteArrayAsync(), ProtocolJson.Default.MissingAnswer)!.Missing;
    }

    private static byte[] Frame(byte[] content)
    {
        using var encoder = new Lz4Encoder();
        return encoder.EncodeFrame(content).ToArray();
    }
}
