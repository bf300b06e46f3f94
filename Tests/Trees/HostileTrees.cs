using System.Text;
using ContentTree.Store.Objects;

namespace ContentTree.Tests.Trees;

/// <summary>Trees as an attacker who holds the release key would write them: byte by byte, by no encoder of ours.</summary>
internal static class HostileTrees
{
    private const byte File = 1, Symlink = 2, Directory = 3, Character = 4, Block = 5, Fifo = 6;

    // Mode 0644, owner 0:0, no attributes.
    private static readonly byte[] Plain = [.. Number(0x1a4), 0, 0, 0];
    private static readonly byte[] Id = new byte[32];

    /// <summary>Encodings that no reader may take, by what is wrong with them.</summary>
    public static IReadOnlyDictionary<string, byte[]> Malformed { get; } = new Dictionary<string, byte[]>
    {
        ["name is empty"] = Tree(FileEntry("")),
        ["name is a dot"] = Tree(FileEntry(".")),
        ["name is two dots"] = Tree(FileEntry("..")),
        ["name leads up"] = Tree(FileEntry("../outside")),
        ["name leads up behind a directory"] = Tree(FileEntry("a/../../outside")),
        ["name has a slash"] = Tree(FileEntry("a/b")),
        ["name is absolute"] = Tree(FileEntry("/etc/passwd")),
        ["name is a slash"] = Tree(FileEntry("/")),
        ["name ends in a slash"] = Tree(FileEntry("a/")),
        ["name has a NUL"] = Tree(FileEntry("a\0b")),
        ["name is a NUL"] = Tree(FileEntry("\0")),
        ["name is two dots and a NUL"] = Tree(FileEntry("..\0")),
        ["directory is two dots"] = Tree(DirectoryEntry("..")),
        ["directory has a slash"] = Tree(DirectoryEntry("etc/cron.d")),
        ["symlink is two dots"] = Tree(SymlinkEntry("..", "/etc")),
        ["device has a slash"] = Tree(DeviceEntry("dev/sda", Block, 8, 0)),
        ["fifo is two dots"] = Tree(FifoEntry("..")),
        ["name is longer than the tree"] = [.. Head(1), 200, (byte)'a'],
        ["one file twice"] = Tree(FileEntry("a"), FileEntry("a")),
        ["file and directory of one name"] = Tree(FileEntry("etc"), DirectoryEntry("etc")),
        ["symlink and directory of one name"] = Tree(SymlinkEntry("etc", "/"), DirectoryEntry("etc")),
        ["out of order"] = Tree(FileEntry("b"), FileEntry("a")),
        ["out of order, as text would sort"] = Tree(FileEntry("a"), FileEntry("B")),
        ["symlink behind what goes through it"] = Tree(DirectoryEntry("b"), SymlinkEntry("a", "/")),
        ["kind 0"] = Tree([.. Name("a"), 0, .. Plain]),
        ["kind 7, a socket"] = Tree([.. Name("a"), 7, .. Plain]),
        ["kind 255"] = Tree([.. Name("a"), 255, .. Plain]),
        ["symlink without a target"] = Tree(SymlinkEntry("a", "")),
        ["symlink with a NUL"] = Tree(SymlinkEntry("a", "b\0c")),
        ["symlink of 4096 bytes"] = Tree(SymlinkEntry("a", new string('t', 4096))),
        ["symlink with a mode"] = Tree([.. Name("a"), Symlink, .. Plain, 1, (byte)'b']),
        ["mode with the bits of a kind"] = Tree(FileEntry("a", [.. Number(0x81a4), 0, 0, 0])),
        ["owner that chown takes for none"] = Tree(FileEntry("a", [.. Number(0x1a4), .. Number(uint.MaxValue), 0, 0])),
        ["group that chown takes for none"] = Tree(FileEntry("a", [.. Number(0x1a4), 0, .. Number(uint.MaxValue), 0])),
        ["owner above 32 bits"] = Tree(FileEntry("a", [.. Number(0x1a4), .. Number(1UL << 32), 0, 0])),
        ["negative size"] = Tree(FileEntry("a", Plain, ulong.MaxValue)),
        ["size of 2^63"] = Tree(FileEntry("a", Plain, 1UL << 63)),
        ["number in a longer spelling"] = Tree(FileEntry("a", [.. Number(0x1a4), 0x80, 0, 0, 0])),
        ["number of eleven bytes"] = Tree(FileEntry("a", [.. Enumerable.Repeat((byte)0xff, 10), 1, 0, 0, 0])),
        ["device number above 32 bits"] = Tree(DeviceEntry("a", Character, 1UL << 32, 0)),
        ["xattr without a name"] = Tree(FileEntry("a", WithXattrs(("", "v")))),
        ["xattr with a NUL"] = Tree(FileEntry("a", WithXattrs(("user.a\0b", "v")))),
        ["xattr twice"] = Tree(FileEntry("a", WithXattrs(("user.a", "1"), ("user.a", "2")))),
        ["xattrs out of order"] = Tree(FileEntry("a", WithXattrs(("user.b", "1"), ("user.a", "2")))),
        ["xattrs too large together"] = Tree(FileEntry("a", WithXattrs(("user.a", new string('v', 1500)), ("user.b", new string('v', 1500))))),
        ["xattr too large"] = Tree(FileEntry("a", WithXattrs(("user.a", new string('v', 2049))))),
        ["more xattrs than there may be"] = Tree(FileEntry("a", WithXattrs([.. Enumerable.Range(10, 65).Select(i => ($"user.{i}", ""))]))),
        ["xattr of an overlay: redirect"] = Tree(FileEntry("a", WithXattrs(("trusted.overlay.redirect", "/etc")))),
        ["xattr of an overlay: opaque"] = Itself(WithXattrs(("trusted.overlay.opaque", "y"))),
        ["xattr of an overlay on a symlink"] = Tree([.. Name("a"), Symlink, .. WithXattrs(("trusted.overlay.origin", "x"))[2..], 1, (byte)'b']),
        ["xattr of the system"] = Tree(FileEntry("a", WithXattrs(("system.data", "v")))),
        ["xattr of no namespace"] = Tree(FileEntry("a", WithXattrs(("attribute", "v")))),
        ["wrong magic"] = [.. "CTT2"u8, .. Tree(FileEntry("a"))[4..]],
        ["no bytes"] = [],
        ["magic only"] = [.. "CTT1"u8],
        ["a commit's bytes"] = "{\"format\":1}"u8.ToArray(),
        ["bytes behind the end"] = [.. Tree(FileEntry("a")), 0],
        ["cut in the last id"] = Tree(FileEntry("a"))[..^1],
        ["fewer entries than it says"] = [.. Head(3), .. FileEntry("a")],
        ["more entries than it says"] = [.. Head(1), .. FileEntry("a"), .. FileEntry("b")],
        ["more entries than memory"] = [.. Head(uint.MaxValue), .. FileEntry("a")],
    };

    /// <summary>The same shapes with nothing wrong.</summary>
    public static IReadOnlyList<byte[]> WellFormed { get; } =
    [
        Tree(FileEntry("a")), Tree(FileEntry("..a")), Tree(FileEntry("a\\b\n")), Tree(DirectoryEntry("a")), Tree(SymlinkEntry("a", "../../etc")), Tree(SymlinkEntry("a", new string('t', 4095))),
        Tree(DeviceEntry("a", Block, 8, 0)), Tree(FifoEntry("a")), Tree(FileEntry("a"), DirectoryEntry("b")), Tree(FileEntry("B"), FileEntry("a")),
        Tree(FileEntry("a", WithXattrs(("security.capability", "v"), ("trusted.a", "w"), ("user.a", "x")))), Itself(WithXattrs(("user.a", ""))),
        Tree([.. Name("a"), Symlink, .. WithXattrs(("trusted.origin", "x"))[2..], 1, (byte)'b']), Tree(FileEntry("a", [.. Number(0xfff), .. Number(uint.MaxValue - 1), 0, 0], long.MaxValue)),
    ];

    /// <summary>A tree of one directory.</summary>
    public static byte[] Holding(string name, ObjectId child) => Tree([.. Name(name), Directory, .. Bytes(child)]);

    /// <summary>A tree that names one subtree many times.</summary>
    public static byte[] HoldingOften(ObjectId child, int times) =>
        Tree([.. Enumerable.Range(100, times).Select(i => (byte[])[.. Name($"{i}"), Directory, .. Bytes(child)])]);

    /// <summary>A tree with one file of this size, which need not exist.</summary>
    public static byte[] OfSize(ulong size) => Tree(FileEntry("a", Plain, size));

    public static byte[] Empty { get; } = Tree();

    private static byte[] Tree(params byte[][] entries) => [.. Head((ulong)entries.Length), .. entries.SelectMany(e => e)];

    private static byte[] Itself(byte[] metadata) => [.. "CTT1"u8, .. metadata, 0];

    private static byte[] Head(ulong count) => [.. "CTT1"u8, .. Number(0x1ed), 0, 0, 0, .. Number(count)];

    private static byte[] FileEntry(string name, byte[]? metadata = null, ulong size = 0) => [.. Name(name), File, .. metadata ?? Plain, .. Number(size), .. Id];

    private static byte[] DirectoryEntry(string name) => [.. Name(name), Directory, .. Id];

    private static byte[] SymlinkEntry(string name, string target) =>
        [.. Name(name), Symlink, 0, 0, 0, .. Number((ulong)target.Length), .. Encoding.UTF8.GetBytes(target)];

    private static byte[] DeviceEntry(string name, byte kind, ulong major, ulong minor) => [.. Name(name), kind, .. Plain, .. Number(major), .. Number(minor)];

    private static byte[] FifoEntry(string name) => [.. Name(name), Fifo, .. Plain];

    private static byte[] WithXattrs(params (string Name, string Value)[] xattrs) =>
    [
        .. Number(0x1a4), 0, 0, .. Number((ulong)xattrs.Length),
        .. xattrs.SelectMany(x => (byte[])[.. Number((ulong)x.Name.Length), .. Encoding.UTF8.GetBytes(x.Name), .. Number((ulong)x.Value.Length), .. Encoding.UTF8.GetBytes(x.Value)]),
    ];

    private static byte[] Name(string name) => [(byte)Encoding.UTF8.GetByteCount(name), .. Encoding.UTF8.GetBytes(name)];

    private static byte[] Bytes(ObjectId id) => Convert.FromHexString(id.ToString());

    private static byte[] Number(ulong value)
    {
        var bytes = new List<byte>();
        for (; value >= 0x80; value >>= 7)
            bytes.Add((byte)(value | 0x80));
        bytes.Add((byte)value);
        return [.. bytes];
    }
}
