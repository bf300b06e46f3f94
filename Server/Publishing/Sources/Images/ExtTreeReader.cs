using ContentTree.Store.Objects;
using ContentTree.Store.Trees;

namespace ContentTree.Server.Publishing.Sources.Images;

/// <summary>Adds what an ext filesystem holds to a tree. Each directory has one place: one that is named twice is no filesystem.</summary>
internal sealed class ExtTreeReader(ExtImage image, TreeAssembly assembly, CancellationToken cancellation)
{
    private const int Fifo = 0x1000, CharacterDevice = 0x2000, Directory = 0x4000, BlockDevice = 0x6000, File = 0x8000, Symlink = 0xa000, Socket = 0xc000;

    // Made by mkfs for what e2fsck finds; part of a tree only when there is something in it.
    private static readonly EntryName LostAndFound = EntryName.Create("lost+found");

    private readonly ExtXattrs _xattrs = new(image);
    private readonly HashSet<uint> _directories = [];
    private readonly Dictionary<uint, EntryPath> _linked = [];

    /// <summary>What the source says of itself at its root.</summary>
    public static MetadataRules ReadRules(ExtImage image)
    {
        var root = image.Root;
        return Find(image, root, MetadataRules.DirectoryName) is { Kind: Directory } own && Find(image, own, MetadataRules.FileName) is { Kind: File } file
            ? MetadataRules.Parse(ReadSmall(image, file, MetadataRules.MaxFileBytes))
            : MetadataRules.None;
    }

    /// <exception cref="UnsupportedSourceException">Something there cannot be in a tree, or is damaged; the message names it.</exception>
    public void Add() => Add(image.Root, EntryPath.Root, IgnoreRules.None);

    private void Add(ExtInode inode, EntryPath path, IgnoreRules ignored)
    {
        cancellation.ThrowIfCancellationRequested();
        try
        {
            if (inode.IsEncrypted)
                throw new FormatException("is encrypted, and its key is not here");
            if (inode.Kind == Directory)
                AddDirectory(inode, path, ignored);
            else if (_linked.TryGetValue(inode.Number, out var first))
                assembly.AddLink(path, first);
            else
                AddEntry(inode, path);
        }
        catch (FormatException e)
        {
            throw new UnsupportedSourceException(path.ToString(), e.Message);
        }
    }

    private void AddDirectory(ExtInode inode, EntryPath path, IgnoreRules outer)
    {
        if (!_directories.Add(inode.Number))
            throw new FormatException("is a directory that has another place too");
        assembly.AddDirectory(path, Metadata(inode));
        var entries = ExtDirectory.Read(image, inode);
        var ignored = outer;
        foreach (var (_, number) in entries.Where(e => e.Name.ToString() == IgnoreRules.FileName).Take(1))
        {
            if (image.ReadInode(number) is { Kind: File } file)
                ignored = outer.Within(path, ReadSmall(image, file, IgnoreRules.MaxFileBytes));
        }
        foreach (var (name, number) in entries)
        {
            var inner = path.Append(name);
            var child = image.ReadInode(number);
            if (assembly.Contains(inner))
                throw new FormatException($"holds '{name}' twice");
            if (SourceRules.IsAboutTheSource(inner) || ignored.IsIgnored(inner, child.Kind == Directory) || IsEmptyLostAndFound(inner, child))
                continue;
            Add(child, inner, ignored);
        }
    }

    private bool IsEmptyLostAndFound(EntryPath path, ExtInode inode) =>
        path.Names.Count == 1 && path.Names[0] == LostAndFound && inode.Kind == Directory && ExtDirectory.Read(image, inode).Count == 0;

    private void AddEntry(ExtInode inode, EntryPath path)
    {
        switch (inode.Kind)
        {
            case File:
                using (var content = Open(image, inode))
                    assembly.AddFile(path, Metadata(inode), (long)inode.Size, content);
                break;
            case Symlink:
                assembly.AddSymlink(path, Metadata(inode), ReadTarget(inode));
                break;
            case CharacterDevice or BlockDevice:
                assembly.AddDevice(path, Metadata(inode), inode.Kind == BlockDevice, inode.Device.Major, inode.Device.Minor);
                break;
            case Fifo:
                assembly.AddFifo(path, Metadata(inode));
                break;
            case Socket:
                throw new FormatException("is a socket, which no tree can hold");
            default:
                throw new FormatException("is of a kind that does not exist");
        }
        if (inode.Links > 1)
            _linked[inode.Number] = path;
    }

    private Metadata Metadata(ExtInode inode) => inode.Uid != uint.MaxValue && inode.Gid != uint.MaxValue
        ? new Metadata(inode.Permissions, inode.Uid, inode.Gid, _xattrs.Read(inode))
        : throw new FormatException("has an owner that is none");

    private byte[] ReadTarget(ExtInode inode)
    {
        if (inode.Size is 0 or > TreeEntry.Symlink.MaxTarget)
            throw new FormatException("is a symbolic link to what no path can be");
        // A short one stands in place of the pointers.
        if (inode.Size < ExtInode.PointerBytes && !inode.HasExtents && !inode.IsInline)
            return inode.Pointers[..(int)inode.Size].ToArray();
        return ReadSmall(image, inode, TreeEntry.Symlink.MaxTarget);
    }

    private static ExtInode? Find(ExtImage image, ExtInode directory, string name)
    {
        var found = ExtDirectory.Read(image, directory).Where(e => e.Name.ToString() == name).Take(1).ToArray();
        return found.Length == 0 ? null : image.ReadInode(found[0].Inode);
    }

    private static byte[] ReadSmall(ExtImage image, ExtInode inode, int maxBytes)
    {
        if (inode.Size > (ulong)maxBytes)
            throw new FormatException($"has more than {maxBytes} bytes");
        var bytes = new byte[inode.Size];
        using var content = Open(image, inode);
        content.ReadExactly(bytes);
        return bytes;
    }

    private static Stream Open(ExtImage image, ExtInode inode)
    {
        if (inode.Size > (ulong)Tree.MaxTotalBytes)
            throw new FormatException($"has more than {Tree.MaxTotalBytes} bytes");
        image.SpendContent((long)inode.Size);
        return inode.IsInline
            ? new ExtContent(image, (byte[])[.. inode.Pointers.Span, .. new ExtXattrs(image).ReadInline(inode)], [], (long)inode.Size)
            : new ExtContent(image, default, ExtRuns.Of(image, inode), (long)inode.Size);
    }
}
