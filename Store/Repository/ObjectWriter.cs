using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Repositories;

/// <summary>
/// Writes objects into a repository in batches: all of a batch are written to a staging directory, one syncfs makes them
/// durable, then they are renamed into place. So whatever stands in <c>objects/</c> is whole, also after a power cut.
/// Safe for several threads; a lock keeps garbage collection out until it is disposed.
/// </summary>
public sealed class ObjectWriter : IDisposable
{
    private const int BatchObjects = 8192;
    private const long BatchBytes = 512L * 1024 * 1024;
    private static readonly TimeSpan AbandonedAfter = TimeSpan.FromMinutes(1);

    private readonly Repository _repository;
    private readonly SafeFileHandle _lock;
    private readonly SafeFileHandle _staging;
    private readonly byte[] _stagingName = Encoding.ASCII.GetBytes($"{Environment.ProcessId}-{Guid.NewGuid():N}");
    private readonly SafeFileHandle _session;
    private readonly ConcurrentDictionary<ObjectName, bool> _seen = new();
    private readonly ReaderWriterLockSlim _flushing = new();
    private readonly ConcurrentQueue<(ObjectName Name, byte[] StagedAs)> _staged = new();
    private long _stagedBytes;
    private long _written;
    private long _writtenBytes;
    private int _temporary;

    internal ObjectWriter(Repository repository)
    {
        _repository = repository;
        _lock = RepositoryLock.Take(repository.Root, exclusive: false);
        _staging = Posix.OpenDirectoryAt(repository.Root, "staging"u8);
        RemoveAbandoned();
        Posix.MakeDirectoryAt(_staging, _stagingName, 0x1c0);
        _session = Posix.OpenDirectoryAt(_staging, _stagingName);
        Posix.TryLock(_session, exclusive: true, wait: true, "staging");
    }

    /// <summary>Objects that were not in the repository before.</summary>
    public long Written => Interlocked.Read(ref _written);

    /// <summary>Their size at rest.</summary>
    public long WrittenBytes => Interlocked.Read(ref _writtenBytes);

    /// <summary>Whether the object is in the repository or has been written here.</summary>
    public bool IsKnown(ObjectName name)
    {
        if (_seen.ContainsKey(name))
            return true;
        if (!_repository.Contains(name))
            return false;
        _seen[name] = true;
        return true;
    }

    /// <summary>Stores an object whose whole content is at hand; false when it was known already.</summary>
    public bool Write(ObjectName name, ReadOnlySpan<byte> content, Lz4Encoder encoder)
    {
        if (IsKnown(name))
            return false;
        using var staged = Begin();
        Posix.Write(staged.File, encoder.EncodeFrame(content), name.ToString());
        return Keep(staged, name);
    }

    /// <summary>Stores an object by letting <paramref name="write"/> produce its frame into an open file.</summary>
    /// <param name="write">Writes the frame, checks the content's hash and throws when it is not <paramref name="name"/>'s.</param>
    public bool Write(ObjectName name, Action<SafeFileHandle> write)
    {
        if (IsKnown(name))
            return false;
        using var staged = Begin();
        write(staged.File);
        return Keep(staged, name);
    }

    /// <summary>Encodes, stores and names a tree.</summary>
    public ObjectId Write(Tree tree, Lz4Encoder encoder)
    {
        var bytes = tree.Encode();
        var id = ObjectId.Of(bytes);
        Write(new ObjectName(ObjectKind.Tree, id), bytes, encoder);
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
        RemoveStaging(_session, _stagingName);
        _session.Dispose();
        _staging.Dispose();
        _lock.Dispose();
        _flushing.Dispose();
    }

    // Writers share this lock with each other; a flush takes it alone, so that no half-written file is renamed.
    private StagedFile Begin()
    {
        _flushing.EnterReadLock();
        try
        {
            var name = Encoding.ASCII.GetBytes(Interlocked.Increment(ref _temporary).ToString(CultureInfo.InvariantCulture));
            return new StagedFile(this, Posix.CreateAt(_session, name, 0x1a4), name);
        }
        catch
        {
            _flushing.ExitReadLock();
            throw;
        }
    }

    private bool Keep(StagedFile staged, ObjectName name)
    {
        var size = Posix.Stat(staged.File, name.ToString()).Size;
        if (!_seen.TryAdd(name, true))
            return false;
        staged.IsKept = true;
        _staged.Enqueue((name, staged.Name));
        Interlocked.Add(ref _stagedBytes, size);
        Interlocked.Increment(ref _written);
        Interlocked.Add(ref _writtenBytes, size);
        return true;
    }

    private void FlushWhenFull()
    {
        if (_staged.Count >= BatchObjects || Interlocked.Read(ref _stagedBytes) >= BatchBytes)
            Flush();
    }

    private void Flush()
    {
        _flushing.EnterWriteLock();
        try
        {
            if (_staged.IsEmpty)
                return;
            Posix.SyncFilesystem(_session, _repository.Path);
            while (_staged.TryDequeue(out var entry))
                Posix.RenameAt(_session, entry.StagedAs, _repository.Fanout(entry.Name.Id), Repository.FileName(entry.Name));
            Interlocked.Exchange(ref _stagedBytes, 0);
        }
        finally
        {
            _flushing.ExitWriteLock();
        }
    }

    // A killed publisher leaves its staging directory; its lock died with it. The age spares one that is just starting.
    private void RemoveAbandoned()
    {
        foreach (var (name, _) in Posix.ReadDirectory(_staging, "staging"))
        {
            using var directory = Posix.OpenDirectoryAt(_staging, name);
            var age = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() - Posix.Stat(directory, "staging").ModifiedNanoseconds / 1_000_000;
            if (age > AbandonedAfter.TotalMilliseconds && Posix.TryLock(directory, exclusive: true, wait: false, "staging"))
                RemoveStaging(directory, name);
        }
    }

    private void RemoveStaging(SafeFileHandle directory, byte[] name)
    {
        foreach (var (file, _) in Posix.ReadDirectory(directory, "staging"))
            Posix.UnlinkAt(directory, file);
        Posix.RemoveDirectoryAt(_staging, name);
    }

    /// <summary>A file being written in the staging directory; removed unless it is kept.</summary>
    private sealed class StagedFile(ObjectWriter owner, SafeFileHandle file, byte[] name) : IDisposable
    {
        public SafeFileHandle File { get; } = file;

        public byte[] Name { get; } = name;

        public bool IsKept { get; set; }

        public void Dispose()
        {
            File.Dispose();
            if (!IsKept)
                Posix.UnlinkAt(owner._session, Name);
            owner._flushing.ExitReadLock();
            owner.FlushWhenFull();
        }
    }
}
