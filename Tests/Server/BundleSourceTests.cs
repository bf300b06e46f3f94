using System.Formats.Tar;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>A bundle of one server is published by another, exactly or not at all.</summary>
public sealed class BundleSourceTests : IAsyncLifetime, IDisposable
{
    private static readonly BranchName Stable = BranchName.Parse("stable");

    private readonly TemporaryDirectory _temporary = new();
    private TestServer _from = null!, _to = null!;

    public async Task InitializeAsync()
    {
        _from = await TestServer.StartAsync();
        _to = await TestServer.StartAsync();
        _from.WriteSource("etc/version", "one");
        _from.WriteSource("usr/lib/" + new string('n', 120), "a long name");
    }

    public async Task DisposeAsync()
    {
        await _from.DisposeAsync();
        await _to.DisposeAsync();
    }

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public async Task Its_tree_becomes_the_next_commit_with_what_it_says_of_itself()
    {
        var published = Commit(_from, (await PublishAsync(_from, _from.Source, "--version", "1.2", "--subject", "from afar")).LastLine);
        var answer = await PublishAsync(_to, await BundleAsync());
        answer.Exit.Should().Be(0, answer.Error);
        var taken = Commit(_to, answer.LastLine);
        (taken.Tree, taken.Version, taken.Subject, taken.Source, taken.Bytes, taken.Entries).Should().Be((published.Tree, "1.2", "from afar", published.Source, published.Bytes, published.Entries));
        taken.Parents.Should().BeEmpty();
        (await ServerCommand.DoAsync("--data", _to.DataPath, "fsck")).Exit.Should().Be(0);
        (await PublishAsync(_to, await BundleAsync())).LastLine.Should().Be(answer.LastLine, "it is the same tree");
        (await PublishAsync(_to, await BundleAsync(), "--version", "2")).Exit.Should().Be(0);
    }

    [Fact]
    public async Task One_with_deltas_is_refused_and_says_why()
    {
        var first = _from.Publish().Commit;
        _from.WriteSource("etc/version", "two");
        _from.Publish();
        await RefusedAsync(await BundleAsync("--from", first.ToString()), 1, "without --from");
    }

    [Theory]
    [InlineData("cut", 1, "ends too early")]
    [InlineData("flipped", 14, "has another hash")]
    [InlineData("lacks a file", 1, "does not hold all of its tree")]
    [InlineData("lacks its commit", 1, "holds more commits than one, or none")]
    [InlineData("holds another file", 1, "is no bundle: etc/passwd")]
    [InlineData("twice", 1, "twice")]
    public async Task A_damaged_one_brings_nothing(string what, int exit, string why)
    {
        _from.Publish();
        await RefusedAsync(Damage(await BundleAsync(), what), exit, why);
    }

    [Fact]
    public async Task An_archive_that_holds_a_trust_root_of_its_own_is_an_archive()
    {
        _from.WriteSource("trust/root.json", "{}");
        var archive = _temporary["tree.tar"];
        Shell.Run($"tar -C '{_from.Source}' -cf '{archive}' trust/root.json etc");
        var answer = await PublishAsync(_to, archive);
        answer.Exit.Should().Be(0, answer.Error);
        Commit(_to, answer.LastLine).Source.Kind.Should().Be(CommitSourceKind.Tar);
    }

    private async Task RefusedAsync(string bundle, int exit, string why)
    {
        var answer = await PublishAsync(_to, bundle);
        answer.Exit.Should().Be(exit, answer.Error);
        answer.Error.Should().Contain(why);
        new Branches(_to.Data, _to.Time).Read(Stable).Head.Should().BeNull();
        (await ServerCommand.DoAsync("--data", _to.DataPath, "fsck")).Exit.Should().Be(0);
        (await PublishAsync(_to, await BundleAsync())).Exit.Should().Be(0, "what came of the damaged one is in nobody's way");
        (await ServerCommand.DoAsync("--data", _to.DataPath, "fsck")).Exit.Should().Be(0);
    }

    private string Damage(string bundle, string what)
    {
        var damaged = _temporary["damaged.ctb"];
        using (var from = new TarReader(File.OpenRead(bundle)))
        using (var to = new TarWriter(File.Create(damaged), TarEntryFormat.Gnu))
        {
            var isDone = false;
            while (from.GetNextEntry(copyData: true) is { } entry)
            {
                var isFile = !isDone && entry.Name.EndsWith(".file", StringComparison.Ordinal);
                isDone |= isFile;
                if ((what == "lacks a file" && isFile) || (what == "lacks its commit" && entry.Name.EndsWith(".commit", StringComparison.Ordinal)))
                    continue;
                if (what == "flipped" && isFile)
                {
                    var bytes = new byte[entry.Length];
                    entry.DataStream!.ReadExactly(bytes);
                    bytes[^6] ^= 1;
                    entry.DataStream = new MemoryStream(bytes);
                }
                to.WriteEntry(entry);
                if (what == "twice" && isFile)
                {
                    entry.DataStream!.Position = 0;
                    to.WriteEntry(entry);
                }
            }
            if (what == "holds another file")
                to.WriteEntry(new GnuTarEntry(TarEntryType.RegularFile, "etc/passwd") { DataStream = new MemoryStream([1]) });
        }
        if (what == "cut")
            File.WriteAllBytes(damaged, File.ReadAllBytes(damaged)[..(int)(new FileInfo(damaged).Length * 2 / 3)]);
        return damaged;
    }

    private async Task<string> BundleAsync(params string[] words)
    {
        var path = _temporary["update.ctb"];
        var made = await ServerCommand.DoAsync(["--data", _from.DataPath, "bundle", "--to", "stable", .. words, path]);
        made.Exit.Should().Be(0, made.Error);
        return path;
    }

    private static Task<ServerCommand> PublishAsync(TestServer server, string source, params string[] words) =>
        ServerCommand.RunAsync(["--data", server.DataPath, "publish", "--branch", "stable", .. words, source]);

    private static Commit Commit(TestServer server, string id) => server.Data.Repository.ReadCommit(ObjectId.Parse(id));
}
