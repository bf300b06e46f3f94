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

    private readonly HashSet<StoredFile> _hopeless = [];
    private byte[]? _buffer;
    private Metadata? _last;

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
        var stored = new StoredFile(file.Id, DigestOf(file.Metadata));
        var fanout = store.Fanout(file.Id);
        Span<byte> name = stackalloc byte[StoredFile.NameLength];
        stored.WriteFlatName(name);
        name = name[StoredFile.FanoutDigits..];
        if (!IsAsItShouldBe(fanout, name, file) && !_hopeless.Contains(stored) && Mend(stored, name, file))
            Mended++;
        var errno = Posix.LinkAt(fanout, name, directory, file.Name.Bytes);
        if (errno == Posix.EMLINK)
        {
            lock (replacing)
            {
                errno = Posix.LinkAt(fanout, name, directory, file.Name.Bytes);
                if (errno == Posix.EMLINK)
                {
                    ReplaceInode(stored, file);
                    ExtraInodes++;
                    errno = Posix.LinkAt(fanout, name, directory, file.Name.Bytes);
                }
            }
        }
        if (errno != 0)
            throw new PosixException(errno == Posix.EXDEV ? "the store and the deployments are on different mounts" : file.Name.ToString(), errno);
    }

    // Most files of a tree have the owner and mode of the one before, also across directories.
    private string DigestOf(Metadata metadata)
    {
        if (!metadata.Equals(_last))
            _last = metadata;
        return _last.Digest();
    }

    // Asked before each link: remembering what was asked costs more than the few second copies that a tree has.
    private bool IsAsItShouldBe(SafeFileHandle fanout, ReadOnlySpan<byte> name, TreeEntry.File file)
    {
        var stat = Posix.StatAt(fanout, name) ?? throw new Repositories.ObjectNotFoundException(new ObjectName(ObjectKind.File, file.Id));
        if (stat.Size != file.Size)
            throw new CorruptObjectException(new ObjectName(ObjectKind.File, file.Id), $"{stat.Size} bytes instead of {file.Size}");
        return stat.ModifiedNanoseconds == Tree.ModifiedSeconds * 1_000_000_000 && store.Inodes.DifferenceAt(fanout, name, stat, file.Metadata) is null;
    }

    // False when another thread did it meanwhile.
    private bool Mend(StoredFile stored, ReadOnlySpan<byte> name, TreeEntry.File file)
    {
        lock (replacing)
        {
            if (IsAsItShouldBe(store.Fanout(file.Id), name, file))
                return false;
            ReplaceInode(stored, file);
            // A system that puts attributes of its own on every file would have each link be a copy.
            if (!IsAsItShouldBe(store.Fanout(file.Id), name, file))
                _hopeless.Add(stored);
            return true;
        }
    }

    // The old inode lives on in the deployments that link it; the store's name moves to a fresh copy, which is checked and synced
    // first like everything that gets into objects/.
    private void ReplaceInode(StoredFile stored, TreeEntry.File file)
    {
        var temporary = stored.FlatName;
        TreeCheckout.Remove(store.Incoming, temporary);
        CopyFromStore(store.Incoming, temporary, file);
        using (var copy = Posix.OpenForReadingAt(store.Incoming, temporary))
        {
            if (ContentHash.Of(copy, stored.ToString()) != stored.Content)
                throw new CorruptObjectException(new ObjectName(ObjectKind.File, file.Id), "it was written to");
            store.TrySeal(copy);
            Posix.Fsync(copy, stored.ToString());
        }
        Posix.RenameAt(store.Incoming, temporary, store.Fanout(file.Id), stored.FanoutName);
    }

    private void CopyFromStore(SafeFileHandle directory, ReadOnlySpan<byte> name, TreeEntry.File file)
    {
        using var source = store.OpenFile(new StoredFile(file.Id, file.Metadata.Digest()));
        CopyInto(directory, name, file, source);
    }

    private void CopyInto(SafeFileHandle directory, ReadOnlySpan<byte> name, TreeEntry.File file, SafeFileHandle? source)
    {
        var subject = file.Name.ToString();
        using var target = Posix.CreateAt(directory, name, store.Inodes.InitialMode(file.Metadata, isDirectory: false));
        if (source is not null)
        {
            _buffer ??= new byte[CopyBuffer];
            for (int count; (count = Posix.Read(source, _buffer, subject)) > 0;)
                Posix.Write(target, _buffer.AsSpan(0, count), subject);
        }
        store.Inodes.Apply(target, file.Metadata, isDirectory: false, subject);
    }
}
