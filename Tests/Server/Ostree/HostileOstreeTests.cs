using System.Text;
using ContentTree.Server.Ostree;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server.Ostree;

/// <summary>Repositories made to harm whoever imports them: each is refused by name with its exit code, and nothing is published.</summary>
public sealed class HostileOstreeTests : IDisposable
{
    private static readonly ObjectId Nothing = ObjectId.Of("nothing"u8);

    private static readonly Dictionary<string, Case> Cases = new()
    {
        ["no repository"] = new(1, "no OSTree repository", f => File.Delete(f["config"])),
        ["another version"] = new(1, "version 1", f => f.Write("config", "[core]\nrepo_version=2\nmode=archive\n"u8)),
        ["an unknown mode"] = new(1, "mode 'bare-split-xattrs'", f => f.Write("config", "[core]\nrepo_version=1\nmode=bare-split-xattrs\n"u8)),
        ["an endless config"] = new(14, "more than", f => f.Write("config", new byte[1 << 20])),
        ["a ref of other bytes"] = new(14, "no checksum", f => f.Write("refs/heads/main", "root:x:0:0"u8)),
        ["an endless ref"] = new(14, "more than", f => f.Write("refs/heads/main", new byte[1 << 20])),
        ["a ref that is a link"] = new(14, "cannot be read", f => File.CreateSymbolicLink(f["refs/heads/main"], "/etc/passwd")),
        ["a ref that is a pipe"] = new(14, "no regular file", f => Shell.Run($"mkfifo '{f["refs/heads/main"]}'")),
        ["a missing commit"] = new(14, "is missing", f => f.Write("refs/heads/main", Encoding.ASCII.GetBytes($"{Nothing}\n"))),
        ["a commit of other bytes"] = new(14, "another checksum", f => { f.CommitFile(f.AddFile(OstreeForge.File, "x")); Flip(f, "commit"); }),
        ["a cut commit"] = new(14, "is no GVariant", f => f.Commit(Commit(f).AsSpan(..^30))),
        ["an empty commit"] = new(14, "is no GVariant", f => f.Commit([])),
        ["a commit of zeros"] = new(14, "GVariant", f => f.Commit(new byte[100])),
        ["a commit of another ref"] = new(14, "made for other refs", f => f.Commit(f.AddDirectory(), f.AddMetadata(OstreeForge.Directory), "other")),
        ["a missing dirtree"] = new(14, "is missing", f => f.Commit(Nothing, f.AddMetadata(OstreeForge.Directory))),
        ["a dirtree of other bytes"] = new(14, "another checksum", f => { f.CommitFile(f.AddFile(OstreeForge.File, "x")); Flip(f, "dirtree"); }),
        ["a cut dirtree"] = new(14, "GVariant", f => f.CommitDirectory(Named("name")[..20])),
        ["an offset beyond the end"] = new(14, "GVariant", f => f.CommitDirectory([.. Named("name")[..^1], 0xf0])),
        ["offsets that go backwards"] = new(14, "GVariant", f => f.CommitDirectory(Backwards())),
        ["a file with a device number"] = new(14, "second way", f => { var file = f.AddFile(OstreeForge.File, "x"); f.Write(OstreeChecksum.PathOf(file, "filez"), WithDeviceNumber()); f.CommitFile(file); }),
        ["a name that leads up"] = new(14, "no file name", f => f.CommitDirectory(Named(".."))),
        ["a directory that leads up"] = new(14, "no file name", f => f.CommitDirectory(OstreeForge.EncodeDirectory([], [("..".ToArray().Select(c => (byte)c).ToArray(), Nothing, Nothing)]))),
        ["the name of this directory"] = new(14, "no file name", f => f.CommitDirectory(Named("."))),
        ["a name with a slash"] = new(14, "no file name", f => f.CommitDirectory(Named("a/b"))),
        ["an absolute name"] = new(14, "no file name", f => f.CommitDirectory(Named("/etc"))),
        ["an empty name"] = new(14, "no file name", f => f.CommitDirectory(Named(""))),
        ["a name of 256 bytes"] = new(14, "no file name", f => f.CommitDirectory(Named(new string('n', 256)))),
        ["a name with a NUL"] = new(14, "GVariant", f => f.CommitDirectory(Named("a\0b"))),
        ["a name that is not UTF-8"] = new(14, "GVariant", f => f.CommitDirectory(OstreeForge.EncodeDirectory([([0xff, 0xfe], Nothing)], []))),
        ["a name twice"] = new(14, "twice", f => { var file = f.AddFile(OstreeForge.File, "x"); f.CommitDirectory(OstreeForge.EncodeDirectory([("a"u8.ToArray(), file), ("a"u8.ToArray(), file)], [])); }),
        ["a file and a directory of one name"] = new(14, "twice", f =>
        {
            var (file, inner, metadata) = (f.AddFile(OstreeForge.File, "x"), f.AddDirectory(), f.AddMetadata(OstreeForge.Directory));
            f.Commit(f.Add("dirtree", OstreeForge.EncodeDirectory([("a"u8.ToArray(), file)], [("a"u8.ToArray(), inner, metadata)])), metadata);
        }),
        ["a checksum of 31 bytes"] = new(14, "31 bytes", f => f.CommitDirectory(GVariantValue.Tuple(
            GVariantValue.Array(1, [GVariantValue.Tuple(GVariantValue.Text("a"), GVariantValue.ByteArray(new byte[31]))]), GVariantValue.Array(1, [])).Bytes)),
        ["a directory in itself"] = new(14, "another checksum", f =>
        {
            var metadata = f.AddMetadata(OstreeForge.Directory);
            f.Write(OstreeChecksum.PathOf(Nothing, "dirtree"), OstreeForge.EncodeDirectory([], [("again"u8.ToArray(), Nothing, metadata)]));
            f.Commit(Nothing, metadata);
        }),
        ["too deep"] = new(1, "nested deeper", f =>
        {
            var (tree, metadata) = (f.AddDirectory(), f.AddMetadata(OstreeForge.Directory));
            for (var level = 0; level < 2100; level++)
                tree = f.AddParent(("d", tree, metadata));
            f.Commit(tree, metadata);
        }),
        ["forty small directories that come to a million million"] = new(1, "entries in all", f =>
        {
            var (tree, metadata) = (f.AddDirectory(), f.AddMetadata(OstreeForge.Directory));
            for (var level = 0; level < 40; level++)
                tree = f.AddParent(("a", tree, metadata), ("b", tree, metadata));
            f.Commit(tree, metadata);
        }),
        ["a directory with a file's metadata"] = new(1, "something else than a directory", f => f.Commit(f.AddDirectory(), f.AddMetadata(OstreeForge.File))),
        ["a cut dirmeta"] = new(14, "GVariant", f => f.Commit(f.AddDirectory(), f.Add("dirmeta", OstreeForge.Directory.EncodeMetadata().AsSpan(..11)))),
        ["a mode beyond modes"] = new(1, "has the mode", f => f.Commit(f.AddDirectory(), f.AddMetadata(OstreeForge.Directory with { Mode = OstreeForge.Directory.Mode | 0x10000 }))),
        ["nobody's owner"] = new(1, "owner that is none", f => f.Commit(f.AddDirectory(), f.AddMetadata(OstreeForge.Directory with { Uid = uint.MaxValue }))),
        ["an attribute twice"] = new(1, "twice", f => f.Commit(f.AddDirectory(), f.AddMetadata(OstreeForge.Directory with { Xattrs = [Attribute("user.a"), Attribute("user.a")] }))),
        ["an overlay's attribute"] = new(1, "which no tree holds", f => f.Commit(f.AddDirectory(), f.AddMetadata(OstreeForge.Directory with { Xattrs = [Attribute("trusted.overlay.opaque")] }))),
        ["too many bytes of attributes"] = new(1, "not every device", f => f.Commit(f.AddDirectory(), f.AddMetadata(OstreeForge.Directory with { Xattrs = [new Xattr("user.a"u8.ToArray(), new byte[3000])] }))),
        ["too many attributes"] = new(1, "not every device", f => f.Commit(f.AddDirectory(), f.AddMetadata(OstreeForge.Directory with { Xattrs = [.. Enumerable.Range(0, 65).Select(i => Attribute($"user.{i}"))] }))),
        ["an attribute without a name"] = new(14, "without a name", f => f.Commit(f.AddDirectory(), f.AddMetadata(OstreeForge.Directory with { Xattrs = [Attribute("")] }))),
        ["a missing file"] = new(14, "is missing", f => f.CommitFile(Nothing)),
        ["a file that is a link"] = new(14, "cannot be read", f => { var file = f.AddFile(OstreeForge.File, "x"); Replace(f, file, path => File.CreateSymbolicLink(path, "/etc/passwd")); f.CommitFile(file); }),
        ["a file that is a pipe"] = new(14, "no regular file", f => { var file = f.AddFile(OstreeForge.File, "x"); Replace(f, file, path => Shell.Run($"mkfifo '{path}'")); f.CommitFile(file); }),
        ["a file that is a directory"] = new(14, "no regular file", f => { var file = f.AddFile(OstreeForge.File, "x"); Replace(f, file, path => Directory.CreateDirectory(path)); f.CommitFile(file); }),
        ["a directory of objects that is a link"] = new(14, "cannot be read", f =>
        {
            f.CommitFile(f.AddFile(OstreeForge.File, "x"));
            Shell.Run($"cd '{f.Path}'; mv objects elsewhere; ln -s elsewhere objects");
        }),
        ["a file of other content"] = new(14, "another checksum", f => { var file = f.AddFile(OstreeForge.File, "x"); f.Write(OstreeChecksum.PathOf(file, "filez"), [.. OstreeHeader.Framed(OstreeForge.File.EncodeArchived(1)), .. OstreeForge.Deflate("y"u8.ToArray())]); f.CommitFile(file); }),
        ["a file of another owner"] = new(14, "another checksum", f => { var file = f.AddFile(OstreeForge.File, "x"); f.Write(OstreeChecksum.PathOf(file, "filez"), [.. OstreeHeader.Framed((OstreeForge.File with { Uid = 7 }).EncodeArchived(1)), .. OstreeForge.Deflate("x"u8.ToArray())]); f.CommitFile(file); }),
        ["a header without an end"] = new(14, "tells a header of", f => { var file = f.AddFile(OstreeForge.File, "x"); f.Write(OstreeChecksum.PathOf(file, "filez"), [0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]); f.CommitFile(file); }),
        ["a cut header"] = new(14, "ends too early", f => { var file = f.AddFile(OstreeForge.File, "x"); f.Write(OstreeChecksum.PathOf(file, "filez"), [0, 0, 0, 30, 0, 0, 0, 0, 1, 2]); f.CommitFile(file); }),
        ["an empty object"] = new(14, "ends too early", f => { var file = f.AddFile(OstreeForge.File, "x"); f.Write(OstreeChecksum.PathOf(file, "filez"), []); f.CommitFile(file); }),
        ["a bomb that tells one byte"] = new(14, "more than the 1 bytes", f => f.CommitFile(f.AddFile(OstreeForge.File, "", 1, OstreeForge.Deflate(new byte[50 << 20])))),
        ["an object that tells more than it has"] = new(14, "ends too early", f => f.CommitFile(f.AddFile(OstreeForge.File, "some content", 5_000_000))),
        ["an object that tells more than anything"] = new(14, "tells a size", f => f.CommitFile(f.AddFile(OstreeForge.File, "x", long.MaxValue))),
        ["an object that is not packed"] = new(14, "cannot be unpacked", f => f.CommitFile(f.AddFile(OstreeForge.File, "x", packed: [0xff, 0xff, 0xff, 0xff]))),
        ["a device node"] = new(14, "neither a file nor", f => f.CommitFile(f.AddFile(OstreeForge.File with { Mode = 0x21a4 }, ""))),
        ["a link to nothing"] = new(1, "what no path can be", f => f.CommitFile(f.AddFile(OstreeForge.Link with { Target = [] }, ""))),
        ["a link longer than paths"] = new(1, "what no path can be", f => f.CommitFile(f.AddFile(OstreeForge.Link with { Target = [.. Enumerable.Repeat((byte)'t', 5000)] }, ""))),
        ["a link with content"] = new(14, "more than the 0 bytes", f => f.CommitFile(f.AddFile(OstreeForge.Link, "content"))),
        ["a cut summary"] = new(14, "summary", f => f.Write("summary", [1, 2, 3, 0xff, 0xff])),
    };

    private readonly TemporaryDirectory _temporary = new();

    public HostileOstreeTests()
    {
        using var data = DataDirectory.Create(Data, TimeProvider.System);
    }

    public static TheoryData<string> Names => [.. Cases.Keys];

    private string Data => _temporary["data"];

    public void Dispose() => _temporary.Dispose();

    [Theory]
    [Trait("Category", "Slow")]
    [MemberData(nameof(Names))]
    public async Task A_hostile_repository_is_refused_and_nothing_is_published(string name)
    {
        var (exit, reason, make) = Cases[name];
        make(new OstreeForge(_temporary["repo"]));
        var refused = await ServerCommand.RunAsync("--data", Data, "import", "ostree", _temporary["repo"], "--ref", "main", "--branch", "stable");
        refused.Exit.Should().Be(exit, refused.Error);
        refused.Error.Should().Contain(reason).And.NotContain("bug").And.NotContain("root:x");
        (await ServerCommand.DoAsync("--data", Data, "branch", "list")).Out.Should().NotContain("stable");
    }

    [Fact]
    public async Task What_the_forge_makes_without_malice_is_imported()
    {
        var forge = new OstreeForge(_temporary["repo"]);
        forge.Commit(forge.AddDirectory(("file", forge.AddFile(OstreeForge.File, "content")), ("link", forge.AddFile(OstreeForge.Link, ""))), forge.AddMetadata(OstreeForge.Directory), "main");
        await ServerCommand.DoAsync("--data", Data, "import", "ostree", _temporary["repo"], "--branch", "stable");
        (await ServerCommand.DoAsync("--data", Data, "cat", "stable", "file")).Out.Should().Be("content");
    }

    private static byte[] Named(string name) => OstreeForge.EncodeDirectory([(Encoding.UTF8.GetBytes(name), Nothing)], []);

    private static byte[] Commit(OstreeForge forge) =>
        new OstreeCommit { Root = forge.AddDirectory(), RootMetadata = forge.AddMetadata(OstreeForge.Directory), Subject = "s" }.Encode();

    // Two names; the first one's end lies behind the second one's.
    private static byte[] Backwards()
    {
        var bytes = OstreeForge.EncodeDirectory([("a"u8.ToArray(), Nothing), ("b"u8.ToArray(), Nothing)], []);
        (bytes[^3], bytes[^2]) = (bytes[^2], bytes[^3]);
        return bytes;
    }

    // OSTree puts zeros there.
    private static byte[] WithDeviceNumber()
    {
        var header = OstreeForge.File.EncodeArchived(1);
        header[23] = 1;
        return [.. OstreeHeader.Framed(header), .. OstreeForge.Deflate("x"u8.ToArray())];
    }

    private static Xattr Attribute(string name) => new(Encoding.ASCII.GetBytes(name), "v"u8.ToArray());

    private static void Flip(OstreeForge forge, string suffix)
    {
        var path = Directory.GetFiles(forge["objects"], "*." + suffix, SearchOption.AllDirectories)[0];
        var bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);
    }

    private static void Replace(OstreeForge forge, ObjectId file, Action<string> make)
    {
        var path = forge[OstreeChecksum.PathOf(file, "filez")];
        File.Delete(path);
        make(path);
    }

    /// <param name="Exit">How the import ends.</param>
    /// <param name="Reason">What it says.</param>
    private sealed record Case(int Exit, string Reason, Action<OstreeForge> Make);
}
