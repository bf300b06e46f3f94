using System.Text;
using ContentTree.Store.Objects;
using ContentTree.Store.Trees;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Local;

/// <summary>
/// What of a device's store anybody may have (docs/format/store.md): a content that every user here may read and that carries no rights,
/// the tree of a directory that every user may list and whose files are all like that, and commits. For whatever else the answer
/// is that of an object that is not here. For any number of threads, beside whoever adds and removes objects.
/// </summary>
public sealed class PublicObjects : IDisposable
{
    /// <summary>Larger trees are not looked into, so they are not public.</summary>
    public const int MaxTreeBytes = 256 * 1024;

    private const int SetId = 0xc00;
    private const int OthersRead = 4;
    private const int OthersList = 5;

    private readonly SafeFileHandle _objects;
    private readonly Func<bool> _isPrivate;
    private readonly Lock _decoding = new();

    /// <param name="store">Where the store is.</param>
    /// <param name="isPrivate">Asked for each object: whether what is here came from a private branch, so that nobody may have any of it.</param>
    public PublicObjects(string store, Func<bool>? isPrivate = null)
    {
        _isPrivate = isPrivate ?? (() => false);
        using var root = Posix.OpenDirectory(store);
        _objects = Posix.OpenDirectoryAt(root, "objects"u8);
    }

    /// <summary>Opens an object's bytes; null when it is not here or not public.</summary>
    public SafeFileHandle? TryOpen(ObjectName name)
    {
        if (_isPrivate())
            return null;
        try
        {
            using var fanout = Posix.OpenDirectoryAt(_objects, Encoding.ASCII.GetBytes(name.Id.ToString()[..2]));
            return name.Kind == ObjectKind.File ? TryOpenContent(fanout, name.Id) : TryOpenRaw(fanout, name);
        }
        // Gone meanwhile, or unreadable: somebody else has it.
        catch (PosixException)
        {
            return null;
        }
    }

    public void Dispose() => _objects.Dispose();

    /// <summary>Whether everybody may read a file that has this metadata, and gains nothing by it.</summary>
    internal static bool IsPublic(Metadata metadata) =>
        (metadata.Mode & (SetId | OthersRead)) == OthersRead && metadata.Xattrs.All(x => x.Name.AsSpan().StartsWith("user."u8));

    private static SafeFileHandle? TryOpenContent(SafeFileHandle fanout, ObjectId id)
    {
        var hex = Encoding.ASCII.GetBytes(id.ToString());
        foreach (var (name, _) in Posix.ReadDirectory(fanout, id.ToString()))
        {
            if (name.AsSpan().StartsWith(hex.AsSpan(2)) && StoredFile.TryParse([.. hex.AsSpan(0, 2), .. name], out var file) &&
                TryOpen(fanout, name, opened => IsPublic(opened, file)) is { } content)
                return content;
        }
        return null;
    }

    private SafeFileHandle? TryOpenRaw(SafeFileHandle fanout, ObjectName name) =>
        TryOpen(fanout, LocalStore.FanoutName(name), opened => name.Kind == ObjectKind.Commit || IsPublicTree(opened, name.Id));

    private static SafeFileHandle? TryOpen(SafeFileHandle fanout, byte[] name, Predicate<SafeFileHandle> isPublic)
    {
        var file = Posix.OpenForReadingAt(fanout, name);
        var result = false;
        try
        {
            return (result = Posix.Stat(file, Posix.Display(name)).Type == FileType.Regular && isPublic(file)) ? file : null;
        }
        finally
        {
            if (!result)
                file.Dispose();
        }
    }

    // The name holds a digest of what the tree says about the file. Where the inode does not have all of that, as in a store without
    // root, or has more, nobody knows here who was meant to read it.
    private static bool IsPublic(SafeFileHandle opened, StoredFile file)
    {
        var stat = Posix.Stat(opened, file.ToString());
        if (stat.ModifiedNanoseconds != Tree.ModifiedSeconds * 1_000_000_000)
            return false;
        try
        {
            var metadata = new Metadata(stat.Permissions, stat.Uid, stat.Gid, SourceXattrs.Read(opened, file.ToString()));
            return IsPublic(metadata) && metadata.Digest() == file.MetadataDigest;
        }
        catch (UnsupportedSourceException)
        {
            return false;
        }
    }

    private bool IsPublicTree(SafeFileHandle opened, ObjectId id)
    {
        var subject = id.ToString();
        if (Posix.Stat(opened, subject).Size is var size && size > MaxTreeBytes)
            return false;
        try
        {
            // One at a time: a decoded tree is several times as large.
            lock (_decoding)
            {
                var bytes = new byte[size];
                var tree = Tree.Decode(bytes.AsSpan(0, Posix.ReadFull(opened, bytes, subject)), id);
                return (tree.Metadata.Mode & OthersList) == OthersList && IsPublic(tree.Metadata with { Mode = OthersRead }) &&
                    tree.Entries.OfType<TreeEntry.File>().All(f => IsPublic(f.Metadata));
            }
        }
        catch (CorruptObjectException)
        {
            return false;
        }
    }
}
