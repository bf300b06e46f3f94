using ContentTree.Server.Ostree;
using ContentTree.Store;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Publishing.Sources.Ostree;

/// <summary>Opens what the bare kinds of repositories keep as ordinary files. Whatever the inode says is believed only if the checksum confirms it.</summary>
internal static class OstreeBareFile
{
    private const uint Permissions = 0xfff;

    private static readonly byte[] MetadataAttribute = "user.ostreemeta"u8.ToArray();

    /// <returns>Null when there is no such object.</returns>
    /// <exception cref="DamagedSourceException">It is no such object.</exception>
    public static OstreeContent? TryOpen(OstreeFolder files, OstreeMode mode, ObjectId checksum)
    {
        var path = OstreeChecksum.PathOf(checksum, "file");
        var shown = $"{files.Shown}/{path}";
        using var folder = files.TryOpenFolder(path);
        var name = OstreeFolder.NameOf(path);
        if (folder is null || Posix.StatAt(folder, name) is not { } stat)
            return null;
        if (stat.Type == FileType.Symlink && mode is OstreeMode.Bare or OstreeMode.BareUserOnly)
        {
            var link = new OstreeHeader(stat.Uid, stat.Gid, OstreeHeader.SymbolicLink | (uint)stat.Permissions, Posix.ReadLinkAt(folder, name), ReadXattrs(folder, name));
            return new OstreeContent(shown, checksum, Header(mode, link), 0, Stream.Null);
        }
        var content = files.TryOpen(path);
        if (content is null)
            return null;
        try
        {
            return Open(folder, name, mode, checksum, content, shown);
        }
        catch (FormatException e)
        {
            content.Dispose();
            throw new DamagedSourceException(shown, e.Message);
        }
    }

    private static OstreeContent Open(SafeFileHandle folder, byte[] name, OstreeMode mode, ObjectId checksum, Stream content, string shown)
    {
        var stat = Posix.StatAt(folder, name) ?? throw new DamagedSourceException(shown, "vanished");
        if (mode != OstreeMode.BareUser)
        {
            var inode = new OstreeHeader(stat.Uid, stat.Gid, OstreeHeader.RegularFile | (uint)stat.Permissions, [], ReadXattrs(folder, name));
            return new OstreeContent(shown, checksum, Header(mode, inode), content.Length, content);
        }
        var header = OstreeHeader.DecodeMetadata(Posix.GetXattrAt(folder, name, MetadataAttribute) ?? throw new FormatException("has no attribute user.ostreemeta"));
        if (header.Kind != OstreeHeader.SymbolicLink)
            return new OstreeContent(shown, checksum, header, content.Length, content);
        // The target is the file's content, with the NUL that ends it in C.
        if (content.Length > TreeEntry.Symlink.MaxTarget + 1)
            throw new FormatException("is a symbolic link to what no path can be");
        var target = new byte[content.Length];
        content.ReadExactly(target);
        content.Dispose();
        return new OstreeContent(shown, checksum, header with { Target = target is [.. var text, 0] ? text : target }, 0, Stream.Null);
    }

    // The last kind knows no owners and no attributes, whatever the inode has.
    private static OstreeHeader Header(OstreeMode mode, OstreeHeader inode) =>
        mode == OstreeMode.Bare ? inode : new OstreeHeader(0, 0, inode.Kind | (inode.Mode & Permissions), inode.Target, []);

    private static Xattr[] ReadXattrs(SafeFileHandle folder, byte[] name) =>
        [.. Posix.ListXattrsAt(folder, name).Select(attribute => new Xattr(attribute, Posix.GetXattrAt(folder, name, attribute) ?? []))
            .OrderBy(x => x.Name, Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b)))];
}
