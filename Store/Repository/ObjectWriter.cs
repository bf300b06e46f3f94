using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Repositories;

/// <summary>
/// Writes objects into a repository in batches: all of a batch are written to files that have no place yet, one syncfs makes
/// them durable, then they get their places. So whatever stands in <c>objects/</c> is whole, also after a power cut.
/// Safe for several threads. Until it is disposed, garbage collection spares what it was told is here (<see cref="PublishLeases"/>).
/// </summary>
public sealed class ObjectWriter : IDisposable
{
    // Threads that create files in one directory wait for each other; a directory each keeps them apart.
    private const int Lanes = 8;
    private const int BatchObjects = 8192;

    // A batch of nameless files is as many open ones: where they would take over half of what a process may open, they get names.
    private const long OpenFilesForUnnamed = 2 * BatchObjects;
    private const long BatchBytes = 512L * 1024 * 1024;
    private static readonly TimeSpan AbandonedAfter = TimeSpan.FromMinutes(1);

    private readonly Repository _repository;
    private readonly bool _rewrites;
    private readonly SafeFileHandle? _staging;
    private readonly byte[] _stagingName = PublishLeases.NewName();
    private readonly SafeFileHandle? _session;
    private readonly SafeFileHandle?[] _lanes = new SafeFileHandle?[Lanes];
    private readonly ConcurrentDictionary<ObjectName, bool> _seen = new();
    private readonly ConcurrentDictionary<ObjectId, bool> _trees = new();
    private readonly object _gate = new();
    private readonly bool _unnamed;
    private readonly long _freshAfter;
    private List<StagedFile> _staged = [];
    private long _stagedBytes;
    private long _written;
    private long _writtenBytes;
    private int _temporary;

    internal ObjectWriter(Repository repository, bool rewrites)
    {
        _repository = repository;
        _rewrites = rewrites;
        try
        {
            _staging = Posix.OpenDirectoryAt(repository.Root, "staging"u8);
            RemoveAbandoned(_staging);
            Posix.MakeDirectoryAt(_staging, _stagingName, 0x1c0);
            _session = Posix.OpenDirectoryAt(_staging, _stagingName);
            Posix.TryLock(_session, exclusive: true, wait: true, "staging");
            // Only now: a collection that begins later sees this publish.
            _freshAfter = repository.FreshAfter();
            if (repository.Bucket is not null)
                SetAside.Prepare(repository);
            SetAside.Recover(repository);
            // Linking never replaces, so what is written again comes by renaming.
            _unnamed = !rewrites && Posix.MaxOpenFiles >= OpenFilesForUnnamed && Posix.HasUnnamedFiles(_session);
            for (var lane = 0; lane < Lanes && !_unnamed; lane++)
            {
                Posix.MakeDirectoryAt(_session, LaneName(lane), 0x1c0);
                _lanes[lane] = Posix.OpenDirectoryAt(_session, LaneName(lane));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Where it writes.</summary>
    public Repository Repository => _repository;

    /// <summary>Objects that were not in the repository before.</summary>
    public long Written => Interlocked.Read(ref _written);

    /// <summary>Their size at rest.</summary>
    public long WrittenBytes => Interlocked.Read(ref _writtenBytes);

    /// <summary>Whether the object is in the repository, has been written here, or is being written by another thread.</summary>
    public bool IsKnown(ObjectName name)
    {
        if (_seen.ContainsKey(name))
            return true;
        if (_rewrites || !_repository.IsKept(name, _freshAfter))
            return false;
        _seen[name] = true;
        return true;
    }

    /// <summary>Whether the tree was put in here and nowhere before, so after everything below it.</summary>
    internal bool HasMade(ObjectId tree) => _trees.ContainsKey(tree);

    /// <summary>Stores an object whose whole content is at hand; false when it was known already.</summary>
    public bool Write(ObjectName name, ReadOnlySpan<byte> content, Lz4Encoder encoder)
    {
        if (!TryClaim(name))
            return false;
        StagedFile? staged = null;
        try
        {
            staged = Begin(name);
            var frame = encoder.EncodeFrame(content);
            Posix.Write(staged.File, frame, name.ToString());
            Keep(staged, frame.Length);
            return true;
        }
        catch
        {
            Abandon(staged, name);
            throw;
        }
    }

    /// <summary>Stores an object by letting <paramref name="write"/> produce its frame into an open file.</summary>
    /// <param name="write">Writes the frame, checks the content's hash and throws when it is not <paramref name="name"/>'s.</param>
    public bool Write(ObjectName name, Action<SafeFileHandle> write)
    {
        if (!TryClaim(name))
            return false;
        StagedFile? staged = null;
        try
        {
            staged = Begin(name);
            write(staged.File);
            Keep(staged, Posix.Stat(staged.File, name.ToString()).Size);
            return true;
        }
        catch
        {
            Abandon(staged, name);
            throw;
        }
    }

    /// <summary>Encodes, stores and names a tree. The caller has seen to it that all its entries are known.</summary>
    public ObjectId Write(Tree tree, Lz4Encoder encoder)
    {
        var bytes = tree.Encode();
        var id = ObjectId.Of(bytes);
        if (Write(new ObjectName(ObjectKind.Tree, id), bytes, encoder))
            _trees[id] = true;
        return id;
    }

    /// <summary>Makes everything written so far durable and visible.</summary>
    public void Complete()
    {
        Flush();
        Posix.SyncFilesystem(_repository.Root, _repository.Path);
    }

    public void Dispose()
    {
        foreach (var staged in _staged)
            staged.Dispose();
        foreach (var lane in _lanes)
            lane?.Dispose();
        if (_staging is not null)
            Local.TreeCheckout.Remove(_staging, _stagingName);
        _session?.Dispose();
        _staging?.Dispose();
    }

    /// <summary>A nameless file on the repository's filesystem, gone when it is closed.</summary>
    internal SafeFileHandle CreateScratch()
    {
        var session = _session ?? throw new ObjectDisposedException(nameof(ObjectWriter));
        if (_unnamed)
            return Posix.CreateUnnamedAt(session, 0x180);
        var name = Encoding.ASCII.GetBytes($"scratch-{Interlocked.Increment(ref _temporary)}");
        var file = Posix.CreateAt(session, name, 0x180);
        Posix.UnlinkAt(session, name);
        return file;
    }

    // Whoever claims first writes; everybody else may go on as if the object were there, because a failed write fails
    // the whole import.
    private bool TryClaim(ObjectName name) => _seen.TryAdd(name, true) && (_rewrites || !_repository.IsKept(name, _freshAfter));

    private StagedFile Begin(ObjectName name)
    {
        if (_unnamed)
            return StagedFile.CreateUnnamed(name, _repository.Fanout(name.Id));
        var temporary = Encoding.ASCII.GetBytes(Interlocked.Increment(ref _temporary).ToString(CultureInfo.InvariantCulture));
        var lane = _lanes[Environment.CurrentManagedThreadId % Lanes] ?? throw new ObjectDisposedException(nameof(ObjectWriter));
        return StagedFile.Create(name, lane, temporary);
    }

    private void Abandon(StagedFile? staged, ObjectName name)
    {
        staged?.Dispose();
        _seen.TryRemove(name, out _);
    }

    private void Keep(StagedFile staged, long size)
    {
        staged.Close(size);
        Interlocked.Increment(ref _written);
        Interlocked.Add(ref _writtenBytes, size);
        bool isFull;
        lock (_gate)
        {
            _staged.Add(staged);
            _stagedBytes += size;
            isFull = _staged.Count >= BatchObjects || _stagedBytes >= BatchBytes;
        }
        if (isFull)
            Flush();
    }

    private void Flush()
    {
        List<StagedFile> batch;
        lock (_gate)
        {
            (batch, _staged) = (_staged, []);
            _stagedBytes = 0;
        }
        if (batch.Count == 0)
            return;
        try
        {
            if (_repository.Bucket is { } bucket)
                LeaveTo(bucket, batch);
            Posix.SyncFilesystem(_repository.Root, _repository.Path);
            foreach (var staged in batch)
                staged.Place(_repository);
        }
        finally
        {
            foreach (var staged in batch)
                staged.Dispose();
        }
    }

    // Nothing has its place here before the bucket has its bytes.
    private void LeaveTo(ObjectBucket bucket, List<StagedFile> batch)
    {
        foreach (var staged in batch)
            SetAside.AwaitRemoval(_repository, staged.Name);
        bucket.Put(batch);
        foreach (var staged in batch.Where(staged => staged.Name.Kind == ObjectKind.File))
        {
            bucket.Remember(staged);
            staged.BecomeStandIn(_repository.Fanout(staged.Name.Id));
        }
    }

    // A killed publisher leaves its staging directory; its lock died with it. The age spares one that is just starting.
    private static void RemoveAbandoned(SafeFileHandle staging)
    {
        foreach (var (name, _) in Posix.ReadDirectory(staging, "staging"))
        {
            using var directory = TryOpen(staging, name);
            if (directory is null)
                continue;
            var age = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() - Posix.Stat(directory, "staging").ModifiedNanoseconds / 1_000_000;
            if (age > AbandonedAfter.TotalMilliseconds && Posix.TryLock(directory, exclusive: true, wait: false, "staging"))
                Local.TreeCheckout.Remove(staging, name);
        }
    }

    // Its publisher may end, and remove it, at any moment; a stray file is nobody's.
    private static SafeFileHandle? TryOpen(SafeFileHandle staging, byte[] name)
    {
        try
        {
            return Posix.OpenDirectoryAt(staging, name);
        }
        catch (PosixException e) when (e.Errno is Posix.ENOENT or Posix.ENOTDIR)
        {
            return null;
        }
    }

    private static byte[] LaneName(int lane) => [(byte)('a' + lane)];
}
