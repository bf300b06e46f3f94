using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Local;

/// <summary>Makes the entries of one directory after the other for a checkout; each of its threads has one.</summary>
/// <param name="store">Where files come from.</param>
/// <param name="mode">How they come.</param>
/// <param name="replacing">Held while an inode of the store is made anew: by one thread at a time.</param>
internal sealed class CheckoutHand(LocalStore store, CheckoutMode mode, Lock replacing)
{
    private const int CopyBuffer = 128 * 1024;

    // Bounds the memory of a checkout of millions of files; a tree has most of its copies near each other.
    private const int MaxCompared = 32 * 1024;

    private readonly HashSet<(StoredFile, long)> _compared = [];
    private byte[]? _buffer;

    public long Files { get; private set; }

    public long ExtraInodes { get; private set; }

    public long Mended { get; private set; }

    /// <summary>Makes an entry that is no directory.</summary>
    public void Make(SafeFileHandle directory, TreeEntry entry)
    {
        if (entry is TreeEntry.File file)
            MakeFile(directory, file);
        else
            SpecialEntry.Make(directory, entry, store.Inodes);
    }

    private void MakeFile(SafeFileHandle directory, TreeEntry.File file)
    {
        Files++;
        // Empty files are never linked: programs lock and fill them, and there are more of them than an inode takes links.
        if (file.Size == 0)
            CopyInto(directory, file.Name.Bytes, file, null);
        else if (mode == CheckoutMode.Copy)
            CopyFromStore(directory, file.Name.Bytes, file);
        else
            LinkFile(directory, file);
    }

    private void LinkFile(SafeFileHandle directory, TreeEntry.File file)
    {
        var stored = new StoredFile(file.Id, file.Metadata.Digest());
        var fanout = store.Fanout(file.Id);
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
        var stat = store.StatOf(stored) ?? throw new Repositories.ObjectNotFoundException(new ObjectName(ObjectKind.File, file.Id));
        if (stat.Size != file.Size)
            throw new CorruptObjectException(new ObjectName(ObjectKind.File, file.Id), $"{stat.Size} bytes instead of {file.Size}");
        var fanout = store.Fanout(file.Id);
        if (store.Inodes.Difference(stat, file.Metadata, isDirectory: false, () => Trees.SourceXattrs.ReadAt(fanout, stored.FanoutName, stored.ToString())) is not null)
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
        lock (replacing)
        {
            TreeCheckout.Remove(store.Incoming, temporary);
            CopyFromStore(store.Incoming, temporary, file);
            using (var copy = Posix.OpenForReadingAt(store.Incoming, temporary))
                Posix.Fsync(copy, stored.ToString());
            Posix.RenameAt(store.Incoming, temporary, store.Fanout(file.Id), stored.FanoutName);
        }
    }

    private void CopyFromStore(SafeFileHandle directory, ReadOnlySpan<byte> name, TreeEntry.File file)
    {
        using var source = store.OpenFile(new StoredFile(file.Id, file.Metadata.Digest()));
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
        store.Inodes.Apply(target, file.Metadata, isDirectory: false, subject);
    }
}
