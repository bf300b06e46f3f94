using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Trees;

/// <summary>Reads the attributes that belong to a tree: user, security and trusted ones, and POSIX access lists.</summary>
internal static class SourceXattrs
{
    public static IReadOnlyList<Xattr> Read(SafeFileHandle file, string path) =>
        Collect(Posix.ListXattrs(file, path), name => Posix.GetXattr(file, name, path), path);

    /// <param name="path">What a message calls it; the name unless told.</param>
    public static IReadOnlyList<Xattr> ReadAt(SafeFileHandle directory, ReadOnlySpan<byte> name, string? path = null)
    {
        var names = Posix.ListXattrsAt(directory, name);
        return names.Count == 0 ? [] : ReadAt(directory, name.ToArray(), names, path ?? Posix.Display(name));
    }

    private static IReadOnlyList<Xattr> ReadAt(SafeFileHandle directory, byte[] name, IReadOnlyList<byte[]> names, string path) =>
        Collect(names, attribute => Posix.GetXattrAt(directory, name, attribute), path);

    private static IReadOnlyList<Xattr> Collect(IReadOnlyList<byte[]> names, Func<byte[], byte[]?> read, string path)
    {
        if (names.Count == 0)
            return [];
        var xattrs = new List<Xattr>();
        foreach (var name in names.Where(n => BelongsToTree(n, path)))
        {
            if (read(name) is { } value)
                xattrs.Add(new Xattr(name, value));
        }
        xattrs.Sort((a, b) => a.Name.AsSpan().SequenceCompareTo(b.Name));
        return Bounded(xattrs, path);
    }

    /// <summary>Those of a source's attributes that belong to a tree, in their order.</summary>
    /// <exception cref="UnsupportedSourceException">An overlay's, or more than every device can store.</exception>
    public static IReadOnlyList<Xattr> OfTree(IReadOnlyList<Xattr> xattrs, string path) =>
        xattrs.Count == 0 ? xattrs : Bounded([.. xattrs.Where(x => BelongsToTree(x.Name, path))], path);

    private static List<Xattr> Bounded(List<Xattr> xattrs, string path)
    {
        return xattrs.Sum(x => x.Name.Length + x.Value.Length) <= Metadata.MaxXattrBytes
            ? xattrs
            : throw new UnsupportedSourceException(path, $"its extended attributes take more than {Metadata.MaxXattrBytes} bytes, which not every device can store");
    }

    private static bool BelongsToTree(ReadOnlySpan<byte> name, string path)
    {
        if (Xattr.IsOverlay(name))
            throw new UnsupportedSourceException(path, "carries overlay attributes; publish the merged view, not an overlay's upper directory");
        return Xattr.BelongsToTree(name);
    }
}
