using System.Security.Cryptography;
using System.Text;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Local;

/// <summary>
/// Takes objects into a <see cref="LocalStore"/>. Everything is first written to <c>incoming/</c> under its final name;
/// a flush syncs the filesystem once and renames the batch into <c>objects/</c>. What an interrupted pull left in
/// <c>incoming/</c> is hashed and kept, never fetched again. Not for several threads, except <see cref="FileReceiver"/>s.
/// </summary>
public sealed class StorePull : IDisposable
{
    private const int BatchObjects = 2048;
    private const long BatchBytes = 64L * 1024 * 1024;
    private const int CopyBuffer = 256 * 1024;

    private readonly LocalStore _store;
    private readonly object _gate = new();
    private readonly List<(ObjectId Id, byte[] FlatName)> _staged = [];
    private readonly HashSet<StoredFile> _stagedFiles = [];
    private readonly HashSet<ObjectId> _stagedTrees = [];
    private long _stagedBytes;

    internal StorePull(LocalStore store) => _store = store;

    /// <summary>Times the filesystem was synced.</summary>
    public int Flushes { get; private set; }

    /// <summary>
    /// Keeps what an interrupted pull had written and not yet moved: each is hashed, and what had not got its metadata yet is no
    /// object. Partial
    /// downloads (<c>*.part</c>) stay; the rest is removed.
    /// </summary>
    /// <returns>Objects kept.</returns>
    public int AdoptLeftovers()
    {
        var kept = 0;
        foreach (var (name, _) in Posix.ReadDirectory(_store.Incoming, _store.Path))
        {
            if (name.AsSpan().EndsWith(".part"u8))
                continue;
            if (StoredFile.TryParse(name, out var file) && IsIntact(file))
                kept += Keep(() => _stagedFiles.Add(file), file.Content, name, 0);
            else if (ObjectName.TryParse(Encoding.ASCII.GetString(name), out var raw) && raw.Kind == ObjectKind.Tree && IsIntact(raw, name))
                kept += Keep(() => _stagedTrees.Add(raw.Id), raw.Id, name, 0);
            else
                Posix.UnlinkAt(_store.Incoming, name);
        }
        Flush();
        return kept;
    }

    public bool Contains(StoredFile file)
    {
        lock (_gate)
        {
            if (_stagedFiles.Contains(file))
                return true;
        }
        return _store.Contains(file);
    }

    public bool ContainsTree(ObjectId id)
    {
        lock (_gate)
        {
            if (_stagedTrees.Contains(id))
                return true;
        }
        return _store.ContainsTree(id);
    }

    /// <summary>A tree of the store, or one that came and is not moved there yet.</summary>
    public Tree ReadTree(ObjectId id)
    {
        lock (_gate)
        {
            if (_stagedTrees.Contains(id))
            {
                var name = Encoding.ASCII.GetBytes(new ObjectName(ObjectKind.Tree, id).ToString());
                using var file = Posix.OpenForReadingAt(_store.Incoming, name);
                var encoded = new byte[Posix.Stat(file, id.ToString()).Size];
                for (int at = 0, count; (count = Posix.Read(file, encoded.AsSpan(at), id.ToString())) > 0;)
                    at += count;
                return Tree.Decode(encoded, id);
            }
        }
        return _store.ReadTree(id);
    }

    /// <exception cref="CorruptObjectException">The bytes are not that tree.</exception>
    public Tree AddTree(ObjectId id, ReadOnlySpan<byte> encoded)
    {
        var tree = Tree.Decode(encoded, id);
        AddEncoded(id, encoded);
        return tree;
    }

    /// <summary>Adds a tree that was encoded here, under the hash of its bytes.</summary>
    internal void AddEncoded(ObjectId id, ReadOnlySpan<byte> encoded)
    {
        if (ContainsTree(id))
            return;
        var name = new ObjectName(ObjectKind.Tree, id);
        WriteRaw(name, encoded);
        Keep(() => _stagedTrees.Add(id), id, Encoding.ASCII.GetBytes(name.ToString()), encoded.Length);
    }

    /// <summary>Starts receiving a file's content. Several may be open at once, on different threads.</summary>
    public FileReceiver Receive(ObjectId content, long size, Metadata metadata) => new(this, new StoredFile(content, metadata.Digest()), size, metadata);

    /// <summary>Starts taking a content whose id only its bytes will tell. Several may be open at once, on different threads.</summary>
    /// <param name="variants">Its owners and modes, at least one.</param>
    public RebuiltFile Rebuild(long size, IReadOnlyList<Metadata> variants) => new(this, size, variants);

    /// <summary>A nameless file on the store's filesystem, gone when it is closed.</summary>
    internal FileStream CreateScratch()
    {
        var name = Encoding.ASCII.GetBytes($"{Guid.NewGuid():N}.scratch");
        var file = Posix.CreateAt(_store.Incoming, name, 0x180);
        Posix.UnlinkAt(_store.Incoming, name);
        return new FileStream(file, FileAccess.ReadWrite, bufferSize: 0);
    }

    /// <summary>The same, going on with the part that an earlier receiver left; leaves one itself when it is not completed.</summary>
    public FileReceiver ReceivePart(ObjectId content, long size, Metadata metadata) =>
        new(this, new StoredFile(content, metadata.Digest()), size, metadata, isPart: true);

    /// <summary>Whether an earlier receiver left a part.</summary>
    public bool HasPart(ObjectId content, Metadata metadata) =>
        Posix.StatAt(_store.Incoming, new StoredFile(content, metadata.Digest()).PartName) is not null;

    /// <summary>Makes a second metadata variant from a content that is here already.</summary>
    /// <exception cref="CorruptObjectException">The stored content is damaged.</exception>
    public void AddVariant(StoredFile present, long size, Metadata metadata)
    {
        using var source = OpenPresent(present);
        using var receiver = Receive(present.Content, size, metadata);
        var buffer = new byte[CopyBuffer];
        for (int count; (count = Posix.Read(source, buffer, present.ToString())) > 0;)
            receiver.Write(buffer.AsSpan(0, count));
        receiver.Complete();
    }

    /// <summary>Syncs the filesystem once and moves the batch into place.</summary>
    public void Flush()
    {
        lock (_gate)
        {
            if (_staged.Count == 0)
                return;
            Seal();
            Posix.SyncFilesystem(_store.Incoming, _store.Path);
            Flushes++;
            foreach (var (id, name) in _staged)
                Posix.RenameAt(_store.Incoming, name, _store.Fanout(id), name.AsSpan(2));
            _staged.Clear();
            _stagedFiles.Clear();
            _stagedTrees.Clear();
            _stagedBytes = 0;
            _store.ForgetListing();
        }
    }

    // Whole, hashed and closed by whoever wrote them. Trees and commits are hashed whenever they are read.
    private void Seal()
    {
        foreach (var (_, name) in _staged)
        {
            if (!_store.SealsFiles)
                return;
            if (!name.AsSpan().EndsWith(".file"u8))
                continue;
            using var file = Posix.OpenForReadingAt(_store.Incoming, name);
            _store.TrySeal(file);
        }
    }

    /// <summary>
    /// Ends the pull: flushes, proves that everything the commit reaches is here, and only then stores the commit itself,
    /// durably. Until this returns the store does not have the commit.
    /// </summary>
    /// <exception cref="ObjectNotFoundException">Something that the commit reaches is missing.</exception>
    public CompleteCommit Complete(ObjectId id, ReadOnlySpan<byte> encoded)
    {
        var name = new ObjectName(ObjectKind.Commit, id);
        var commit = Commit.Decode(encoded, id);
        Flush();
        new StoreClosure(_store).Check(commit.Tree);
        Posix.SyncFilesystem(_store.Root, _store.Path);
        Flushes++;
        DurableFiles.Replace(_store.Fanout(id), LocalStore.FanoutName(name), encoded);
        return new CompleteCommit(id, commit);
    }

    public void Dispose() => Flush();

    internal LocalStore Store => _store;

    internal void Keep(StoredFile file, long size)
    {
        Keep(() => _stagedFiles.Add(file), file.Content, file.FlatName, size);
        lock (_gate)
        {
            if (_staged.Count >= BatchObjects || _stagedBytes >= BatchBytes)
                Flush();
        }
    }

    private int Keep(Func<bool> add, ObjectId id, byte[] name, long size)
    {
        lock (_gate)
        {
            if (!add())
                return 0;
            _staged.Add((id, name));
            _stagedBytes += size;
            return 1;
        }
    }

    private SafeFileHandle OpenPresent(StoredFile file)
    {
        lock (_gate)
        {
            if (_stagedFiles.Contains(file))
                return Posix.OpenForReadingAt(_store.Incoming, file.FlatName);
        }
        return _store.OpenFile(file);
    }

    private void WriteRaw(ObjectName name, ReadOnlySpan<byte> encoded)
    {
        var flat = Encoding.ASCII.GetBytes(name.ToString());
        using var file = Posix.CreateAt(_store.Incoming, flat, 0x1a4);
        Posix.Write(file, encoded, name.ToString());
    }

    // The time is set last: with it a file has its owner, mode and attributes too.
    private bool IsIntact(StoredFile file)
    {
        using var handle = Posix.OpenForReadingAt(_store.Incoming, file.FlatName);
        return Posix.Stat(handle, file.ToString()).ModifiedNanoseconds == Tree.ModifiedSeconds * 1_000_000_000 && ContentHash.Of(handle, file.ToString()) == file.Content;
    }

    private bool IsIntact(ObjectName raw, byte[] name)
    {
        using var handle = Posix.OpenForReadingAt(_store.Incoming, name);
        return ContentHash.Of(handle, raw.ToString()) == raw.Id;
    }
}
