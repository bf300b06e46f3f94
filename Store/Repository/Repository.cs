using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Repositories;

/// <summary>
/// The server side of the store: a directory of compressed objects, heads and trust files that any web server can
/// serve. The files are the truth; nothing about them is kept elsewhere. Layout: docs/format/repository.md.
/// </summary>
public sealed class Repository : IDisposable
{
    /// <summary>Largest encoded commit that is read.</summary>
    public const int MaxCommitBytes = 1024 * 1024;

    private readonly SafeFileHandle _root;
    private readonly SafeFileHandle[] _fanout = new SafeFileHandle[256];

    // Making a decoder costs more than decoding a small tree.
    private readonly ConcurrentBag<Lz4Decoder> _decoders = [];

    private static ReadOnlySpan<byte> Exchanged => "exchanged-"u8;

    private Repository(string path, ObjectBucket? bucket)
    {
        Path = path;
        Bucket = bucket;
        _root = Posix.OpenDirectory(path);
        using var objects = Posix.OpenDirectoryAt(_root, "objects"u8);
        for (var i = 0; i < _fanout.Length; i++)
            _fanout[i] = Posix.OpenDirectoryAt(objects, FanoutName((byte)i));
        Heads = new Heads(_root);
    }

    public string Path { get; }

    /// <summary>What has the bytes of the objects that only <see cref="StandIn"/>s are here for; null where the directory has all.</summary>
    public ObjectBucket? Bucket { get; }

    /// <summary>The branches: newest heads and the archive of every head that ever was.</summary>
    public Heads Heads { get; }

    internal SafeFileHandle Root => _root;

    /// <summary>Makes an empty repository; where there is one already, opens it.</summary>
    public static Repository Create(string path)
    {
        Directory.CreateDirectory(path);
        using (var root = Posix.OpenDirectory(path))
        {
            foreach (var name in new[] { "heads", "history", "deltas", "trust", "staging", "objects" })
                DurableFiles.EnsureDirectory(root, Encoding.ASCII.GetBytes(name), 0x1ed);
            using var objects = Posix.OpenDirectoryAt(root, "objects"u8);
            for (var i = 0; i < 256; i++)
                DurableFiles.EnsureDirectory(objects, FanoutName((byte)i), 0x1ed);
            Posix.Fsync(objects, path);
            Posix.Fsync(root, path);
        }
        return new Repository(path, null);
    }

    /// <param name="bucket">Where its objects are to be, if not in the directory alone; disposed with the repository.</param>
    /// <exception cref="StoreNotFoundException">There is no repository.</exception>
    public static Repository Open(string path, ObjectBucket? bucket = null) => Directory.Exists(System.IO.Path.Combine(path, "objects"))
        ? new Repository(path, bucket)
        : throw new StoreNotFoundException($"{path}: no repository here; 'ctree-server init' makes one");

    public bool Contains(ObjectName name) => Posix.StatAt(Fanout(name.Id), FileName(name)) is { Type: FileType.Regular };

    /// <summary>
    /// Changes whenever an object comes or goes, whoever adds or removes it: while it is the same, what was there is there. Of times of
    /// directories, so two changes within one tick of the kernel's clock are not told apart.
    /// </summary>
    public ObjectId Listing()
    {
        var times = new long[_fanout.Length];
        for (var i = 0; i < times.Length; i++)
            times[i] = Posix.Stat(_fanout[i], Path).ChangedNanoseconds;
        return ObjectId.Of(MemoryMarshal.AsBytes<long>(times));
    }

    /// <summary>Bytes that the object takes at rest, compressed; null when it is not there.</summary>
    public long? StoredSize(ObjectName name) => Posix.StatAt(Fanout(name.Id), FileName(name))?.Size;

    /// <exception cref="ObjectNotFoundException">The tree is not in the repository.</exception>
    /// <exception cref="CorruptObjectException">The stored bytes are not that tree.</exception>
    public Tree ReadTree(ObjectId id) =>
        Tree.Decode(ReadSmall(new ObjectName(ObjectKind.Tree, id), Tree.MaxEncodedBytes), id);

    /// <exception cref="ObjectNotFoundException">The commit is not in the repository.</exception>
    /// <exception cref="CorruptObjectException">The stored bytes are not that commit.</exception>
    public Commit ReadCommit(ObjectId id) =>
        Commit.Decode(ReadSmall(new ObjectName(ObjectKind.Commit, id), MaxCommitBytes), id);

    /// <summary>A whole object's content, its hash checked.</summary>
    public byte[] ReadSmall(ObjectName name, int maxSize)
    {
        using var file = OpenStored(name);
        var stat = Posix.Stat(file, name.ToString());
        // An lz4 frame of incompressible content is a little larger than the content.
        if (stat.Type != FileType.Regular || stat.Size > maxSize + maxSize / 128 + 64)
            throw new CorruptObjectException(name, "is larger than such an object can be, or no file");
        var decoder = _decoders.TryTake(out var idle) ? idle : new Lz4Decoder();
        var frame = new byte[stat.Size];
        Posix.ReadFull(file, frame, name.ToString());
        byte[] content;
        try
        {
            content = decoder.DecodeFrame(frame, maxSize);
        }
        catch (FormatException e)
        {
            throw new CorruptObjectException(name, e.Message);
        }
        finally
        {
            _decoders.Add(decoder);
        }
        return ObjectId.Of(content) == name.Id ? content : throw new CorruptObjectException(name, "its content has another hash");
    }

    /// <summary>Opens the compressed form, an LZ4 frame, for reading.</summary>
    /// <exception cref="ObjectNotFoundException">There is no such object.</exception>
    /// <exception cref="BucketException">It is in a bucket that does not answer.</exception>
    public SafeFileHandle OpenStored(ObjectName name) => SizeInBucket(name) is { } size ? Bucket!.OpenAsync(name, size, CancellationToken.None).GetAwaiter().GetResult() : OpenHere(name);

    /// <summary>As <see cref="OpenStored"/>, but what a bucket has is fetched anew.</summary>
    internal SafeFileHandle OpenFresh(ObjectName name)
    {
        Bucket?.Forget(name);
        return OpenStored(name);
    }

    /// <summary>As <see cref="OpenStored"/>, for those who have other things to do while a bucket sends it.</summary>
    public async ValueTask<SafeFileHandle> OpenStoredAsync(ObjectName name, CancellationToken cancellation) =>
        SizeInBucket(name) is { } size ? await Bucket!.OpenAsync(name, size, cancellation).ConfigureAwait(false) : OpenHere(name);

    /// <summary>
    /// As <see cref="OpenStoredAsync"/>, for those who may want its length alone, or a part: what only a bucket has is asked for its length, and fetched when it is read.
    /// </summary>
    /// <param name="isPart">No more than a few bytes are going to be read: only they are fetched, unchecked.</param>
    public async ValueTask<Stream> OpenLazilyAsync(ObjectName name, bool isPart, CancellationToken cancellation)
    {
        if (SizeInBucket(name) is not null && Bucket is { } bucket)
        {
            if (bucket.TryOpenCached(name) is { } cached)
                return new FileStream(cached, FileAccess.Read, bufferSize: 0);
            if (await bucket.FindAsync(name, cancellation).ConfigureAwait(false) is { } length)
                return new BucketStream(this, bucket, name, length, isPart);
        }
        return new FileStream(await OpenStoredAsync(name, cancellation).ConfigureAwait(false), FileAccess.Read, bufferSize: 0);
    }

    /// <summary>Whether the object can be read without waiting for a bucket.</summary>
    public bool IsAtHand(ObjectName name)
    {
        if (!IsInBucket(name) || Bucket is not { } bucket)
            return true;
        using var cached = bucket.TryOpenCached(name);
        return cached is not null;
    }

    /// <summary>Whether only a bucket has the object's bytes.</summary>
    public bool IsInBucket(ObjectName name) => Posix.StatAt(Fanout(name.Id), FileName(name)) is { } stat && StandIn.Is(stat);

    /// <summary>Puts a stand-in where a file's bytes are, which a bucket has by now. Nobody else works on the repository; <see cref="Sync"/> makes it durable.</summary>
    public void LeaveToBucket(ObjectName name) => Exchange(name, (file, stat) => StandIn.Make(file, stat.Size, name.ToString()));

    /// <summary>Puts the bytes where a stand-in is. Others may work on the repository, but no garbage collection (<see cref="HoldGarbage"/>).</summary>
    /// <returns>How many they are.</returns>
    public async Task<long> BringBackAsync(ObjectName name, CancellationToken cancellation)
    {
        using var content = await OpenStoredAsync(name, cancellation).ConfigureAwait(false);
        var buffer = new byte[256 * 1024];
        Exchange(name, (file, _) =>
        {
            for (int count; (count = Posix.Read(content, buffer, name.ToString())) > 0;)
                Posix.Write(file, buffer.AsSpan(0, count), name.ToString());
            // Its name may become durable before its bytes otherwise.
            Posix.Fsync(file, name.ToString());
            // Somebody may be renewing its age at this moment, which must not be lost.
        }, keepsAge: false);
        return StoredSize(name) ?? 0;
    }

    /// <summary>Removes what a killed move left. Nobody else works on the repository.</summary>
    public void RemoveUnexchanged()
    {
        using var staging = Posix.OpenDirectoryAt(_root, "staging"u8);
        foreach (var (name, _) in Posix.ReadDirectory(staging, Path))
        {
            if (name.AsSpan().StartsWith(Exchanged))
                Posix.UnlinkAt(staging, name);
        }
    }

    /// <summary>Puts back what a killed garbage collection had set aside.</summary>
    public void PutBack() => SetAside.Recover(this);

    /// <summary>Makes everything durable that was changed.</summary>
    public void Sync() => Posix.SyncFilesystem(_root, Path);

    private void Exchange(ObjectName name, Action<SafeFileHandle, FileStat> write, bool keepsAge = true)
    {
        var (fanout, file) = (Fanout(name.Id), FileName(name));
        var stat = Posix.StatAt(fanout, file) ?? throw new ObjectNotFoundException(name);
        using var staging = Posix.OpenDirectoryAt(_root, "staging"u8);
        byte[] exchanged = [.. Exchanged, .. Encoding.ASCII.GetBytes($"{Guid.NewGuid():N}")];
        using var made = Posix.CreateAt(staging, exchanged, 0x1a4);
        write(made, stat);
        if (Posix.IsRoot)
            Posix.SetOwner(made, stat.Uid, stat.Gid, name.ToString());
        // Garbage collection goes by the age.
        if (keepsAge)
            Posix.SetTimes(made, stat.ModifiedNanoseconds / 1_000_000_000, name.ToString());
        Posix.RenameAt(staging, exchanged, fanout, file);
    }

    private long? SizeInBucket(ObjectName name) =>
        Bucket is not null && name.Kind == ObjectKind.File && Posix.StatAt(Fanout(name.Id), FileName(name)) is { } stat && StandIn.Is(stat) ? stat.Size : null;

    private SafeFileHandle OpenHere(ObjectName name)
    {
        try
        {
            return Posix.OpenForReadingAt(Fanout(name.Id), FileName(name));
        }
        catch (PosixException e) when (e.Errno == Posix.ENOENT)
        {
            throw new ObjectNotFoundException(name);
        }
    }

    /// <summary>
    /// Renews an object's age, so that garbage collection spares it while a remote publisher that was told "it is here"
    /// goes on; false when it is not there after all.
    /// </summary>
    public bool Freshen(ObjectName name)
    {
        return IsKept(name, long.MaxValue);
    }

    /// <summary>From when on an object must be for a publish that has begun to rely on it (<see cref="IsKept"/>).</summary>
    internal long FreshAfter() => PublishLeases.FreshAfter(_root);

    /// <summary>Whether the object is there and will be until a publish that has begun ends. Renews its age when it is older than <paramref name="freshAfter"/>.</summary>
    internal bool IsKept(ObjectName name, long freshAfter)
    {
        if (Posix.StatAt(Fanout(name.Id), FileName(name)) is not { Type: FileType.Regular } stat)
            return false;
        try
        {
            return stat.ModifiedNanoseconds >= freshAfter || Posix.TouchAt(Fanout(name.Id), FileName(name));
        }
        catch (PosixException e) when (e.Errno is Posix.EPERM or Posix.EACCES)
        {
            // Another user's: then only the grace period keeps it.
            return true;
        }
    }

    /// <summary>Keeps garbage collection out until it is disposed. Publishers go on.</summary>
    public IDisposable HoldGarbage() => RepositoryLock.Share(_root);

    /// <summary>The objects whose ids begin with this byte, by id and kind.</summary>
    public IReadOnlyList<ObjectName> List(byte first)
    {
        var prefix = Convert.ToHexStringLower([first]);
        var names = new List<ObjectName>();
        foreach (var (file, _) in Posix.ReadDirectory(_fanout[first], Path))
        {
            if (ObjectName.TryParse(prefix + Encoding.ASCII.GetString(file), out var name))
                names.Add(name);
        }
        names.Sort((a, b) => a.Id.CompareTo(b.Id) is var order and not 0 ? order : a.Kind.CompareTo(b.Kind));
        return names;
    }

    /// <summary>Starts writing objects. Nothing that is written can be removed by garbage collection until it is disposed.</summary>
    /// <param name="rewrite">Write also what is there already: the way to replace damaged objects from an intact source.</param>
    public ObjectWriter BeginWriting(bool rewrite = false) => new(this, rewrite);

    public void Dispose()
    {
        foreach (var directory in _fanout)
            directory.Dispose();
        Bucket?.Dispose();
        foreach (var decoder in _decoders)
            decoder.Dispose();
        _root.Dispose();
    }

    internal SafeFileHandle Fanout(ObjectId id)
    {
        Span<byte> bytes = stackalloc byte[ObjectId.Size];
        id.CopyTo(bytes);
        return _fanout[bytes[0]];
    }

    internal SafeFileHandle Fanout(byte index) => _fanout[index];

    /// <summary>An object's name inside its fan-out directory.</summary>
    internal static byte[] FileName(ObjectName name) => Encoding.ASCII.GetBytes(name.ToString()[2..]);

    private static byte[] FanoutName(byte index) => Encoding.ASCII.GetBytes(Convert.ToHexStringLower([index]));
}
