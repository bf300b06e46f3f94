using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Local;

/// <summary>How regular files come out of the store.</summary>
public enum CheckoutMode
{
    /// <summary>Hard links to the store's inodes. Nobody may write to them.</summary>
    Link,

    /// <summary>Copies, for what the device changes: /etc, /var.</summary>
    Copy,
}

/// <summary>
/// Builds a directory from a tree of the store. Every call is relative to an open directory, so that nothing in the tree
/// leads outside the target. Nothing is synced here: the caller syncs once for the whole deployment.
/// </summary>
public sealed class TreeCheckout
{
    private const int CopyBuffer = 128 * 1024;

    // Bounds the memory of a checkout of millions of files; a tree has most of its copies near each other.
    private const int MaxCompared = 32 * 1024;

    private readonly LocalStore _store;
    private readonly CheckoutMode _mode;
    private readonly InodeMetadata _inodes;
    private readonly HashSet<(StoredFile, long)> _compared = [];
    private byte[]? _buffer;

    private TreeCheckout(LocalStore store, CheckoutMode mode)
    {
        _store = store;
        _mode = mode;
        _inodes = store.Inodes;
    }

    /// <summary>Files linked or copied.</summary>
    public long Files { get; private set; }

    /// <summary>Inodes that were copied because the filesystem allows no more links to the first one.</summary>
    public long ExtraInodes { get; private set; }

    /// <summary>Stored inodes whose metadata had changed and that were made anew.</summary>
    public long Mended { get; private set; }

    /// <summary>Makes the directory <paramref name="name"/>, which must not exist, with everything that the tree holds.</summary>
    /// <exception cref="ObjectNotFoundException">The store lacks a tree or file.</exception>
    /// <exception cref="CorruptObjectException">The store's content is damaged.</exception>
    public static TreeCheckout Run(LocalStore store, ObjectId tree, SafeFileHandle parent, ReadOnlySpan<byte> name, CheckoutMode mode)
    {
        var checkout = new TreeCheckout(store, mode);
        checkout.MakeDirectory(parent, name, tree, 0);
        return checkout;
    }

    /// <summary>Makes one entry of a tree, with everything below it, in an open directory that does not have its name yet.</summary>
    public static void RunOne(LocalStore store, TreeEntry entry, SafeFileHandle directory) =>
        new TreeCheckout(store, CheckoutMode.Link).MakeEntry(directory, entry, 0);

    /// <summary>Removes a directory and everything in it, following nothing. A missing one is fine.</summary>
    public static void Remove(SafeFileHandle parent, ReadOnlySpan<byte> name)
    {
        switch (Posix.StatAt(parent, name)?.Type)
        {
            case null:
                return;
            case FileType.Directory:
                using (var directory = Posix.OpenDirectoryAt(parent, name))
                {
                    foreach (var (child, _) in Posix.ReadDirectory(directory, Posix.Display(name)))
                        Remove(directory, child);
                }
                Posix.RemoveDirectoryAt(parent, name);
                return;
            default:
                Posix.UnlinkAt(parent, name);
                return;
        }
    }

    private void MakeDirectory(SafeFileHandle parent, ReadOnlySpan<byte> name, ObjectId id, int depth)
    {
        if (depth > Tree.MaxDepth)
            throw new CorruptObjectException(new ObjectName(ObjectKind.Tree, id), "is nested too deep");
        var tree = _store.ReadTree(id);
        Posix.MakeDirectoryAt(parent, name, 0x1c0);
        using var directory = Posix.OpenDirectoryAt(parent, name);
        foreach (var entry in tree.Entries)
            MakeEntry(directory, entry, depth);
        // Last, because adding entries changes the time and a read-only directory takes no entries.
        _inodes.Apply(directory, tree.Metadata, isDirectory: true, Posix.Display(name));
    }

    private void MakeEntry(SafeFileHandle directory, TreeEntry entry, int depth)
    {
        switch (entry)
        {
            case TreeEntry.Directory child:
                MakeDirectory(directory, child.Name.Bytes, child.Id, depth + 1);
                break;
            case TreeEntry.File file:
                MakeFile(directory, file);
                break;
            default:
                SpecialEntry.Make(directory, entry, _inodes);
                break;
        }
    }

    private void MakeFile(SafeFileHandle directory, TreeEntry.File file)
    {
        Files++;
        // Empty files are never linked: programs lock and fill them, and there are more of them than an inode takes links.
        if (file.Size == 0)
            CopyInto(directory, file.Name.Bytes, file, null);
        else if (_mode == CheckoutMode.Copy)
            CopyFromStore(directory, file.Name.Bytes, file);
        else
            LinkFile(directory, file);
    }

    private void LinkFile(SafeFileHandle directory, TreeEntry.File file)
    {
        var stored = new StoredFile(file.Id, file.Metadata.Digest());
        var fanout = _store.Fanout(file.Id);
        var name = stored.FanoutName;
        if (!_compared.Contains((stored, file.Size)))
            Compare(stored, file);
        var errno = Posix.LinkAt(fanout, name, directory, file.Name.Bytes);
        if (errno == Posix.EMLINK)
        {
            ReplaceInode(stored, file);
            ExtraInodes++;
            errno = Posix.LinkAt(fanout, name, directory, file.Name.Bytes);
        }
        if (errno != 0)
            throw new PosixException(errno == Posix.EXDEV ? "the store and the deployments are on different mounts" : file.Name.ToString(), errno);
    }

    // Every inode once, before its first link: a tree has many copies of some files.
    private void Compare(StoredFile stored, TreeEntry.File file)
    {
        var stat = _store.StatOf(stored) ?? throw new Repositories.ObjectNotFoundException(new ObjectName(ObjectKind.File, file.Id));
        if (stat.Size != file.Size)
            throw new CorruptObjectException(new ObjectName(ObjectKind.File, file.Id), $"{stat.Size} bytes instead of {file.Size}");
        var fanout = _store.Fanout(file.Id);
        if (_inodes.Difference(stat, file.Metadata, isDirectory: false, () => Trees.SourceXattrs.ReadAt(fanout, stored.FanoutName, stored.ToString())) is not null)
        {
            ReplaceInode(stored, file);
            Mended++;
        }
        if (_compared.Count == MaxCompared)
            _compared.Clear();
        _compared.Add((stored, file.Size));
    }

    // The old inode lives on in the deployments that link it; the store's name moves to a fresh copy, which is synced
    // first like everything that gets into objects/.
    private void ReplaceInode(StoredFile stored, TreeEntry.File file)
    {
        var temporary = stored.FlatName;
        Remove(_store.Incoming, temporary);
        CopyFromStore(_store.Incoming, temporary, file);
        using (var copy = Posix.OpenForReadingAt(_store.Incoming, temporary))
            Posix.Fsync(copy, stored.ToString());
        Posix.RenameAt(_store.Incoming, temporary, _store.Fanout(file.Id), stored.FanoutName);
    }

    private void CopyFromStore(SafeFileHandle directory, ReadOnlySpan<byte> name, TreeEntry.File file)
    {
        using var source = _store.OpenFile(new StoredFile(file.Id, file.Metadata.Digest()));
        CopyInto(directory, name, file, source);
    }

    private void CopyInto(SafeFileHandle directory, ReadOnlySpan<byte> name, TreeEntry.File file, SafeFileHandle? source)
    {
        var subject = file.Name.ToString();
        using var target = Posix.CreateAt(directory, name, 0x180);
        if (source is not null)
        {
            _buffer ??= new byte[CopyBuffer];
            for (int count; (count = Posix.Read(source, _buffer, subject)) > 0;)
                Posix.Write(target, _buffer.AsSpan(0, count), subject);
        }
        _inodes.Apply(target, file.Metadata, isDirectory: false, subject);
    }
}
