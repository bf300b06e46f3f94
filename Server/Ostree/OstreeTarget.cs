using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using ContentTree.Server.Publishing.Sources.Ostree;
using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Ostree;

/// <summary>
/// An OSTree repository of mode archive that is written: objects in batches, each made durable before it gets its place and after what it
/// refers to; the ref last. Killed at any moment, the ref is where it was, and whatever has a place is whole.
/// </summary>
internal sealed class OstreeTarget : IDisposable
{
    private const int BatchObjects = 8192;
    private const long BatchBytes = 512L << 20;
    private const int DirectoryMode = 0x1ed;
    private const int FileMode = 0x1a4;

    private static readonly byte[] StagingName = "ctree-export"u8.ToArray();
    private static readonly TimeSpan WaitStep = TimeSpan.FromMilliseconds(200);

    private readonly SafeFileHandle _root;
    private readonly SafeFileHandle _objects;
    private readonly SafeFileHandle _tmp;
    private readonly SafeFileHandle _staging;
    private readonly FileStream _lock;
    private readonly object _gate = new();
    private readonly ConcurrentDictionary<string, bool> _waiting = new();
    private List<(byte[] Temporary, string Path)> _staged = [];
    private long _stagedBytes;
    private int _temporary;

    private OstreeTarget(string path, CancellationToken cancellation)
    {
        Path = path;
        _root = Posix.OpenDirectory(path);
        _objects = Posix.OpenDirectoryAt(_root, "objects"u8);
        _tmp = Posix.OpenDirectoryAt(_root, "tmp"u8);
        _lock = Lock(_root, cancellation);
        DurableFiles.EnsureDirectory(_tmp, StagingName, 0x1c0);
        _staging = Posix.OpenDirectoryAt(_tmp, StagingName);
        if (!Posix.TryLock(_staging, exclusive: true, wait: false, path))
        {
            Close();
            throw new StoreLockedException($"{path}: another export into it is under way");
        }
        Clear();
        Files = new OstreeFolder(path);
        Repository = new OstreeRepository(Files);
    }

    public string Path { get; }

    /// <summary>The same for reading.</summary>
    public OstreeRepository Repository { get; }

    /// <summary>Objects that were not there before.</summary>
    public long Written { get; private set; }

    /// <summary>Their size at rest.</summary>
    public long WrittenBytes { get; private set; }

    private OstreeFolder Files { get; }

    /// <summary>Opens a repository, or makes one where there is nothing or an empty directory.</summary>
    /// <exception cref="UnsupportedSourceException">There is something else, or a repository of another mode.</exception>
    public static OstreeTarget Open(string path, CancellationToken cancellation)
    {
        var full = System.IO.Path.GetFullPath(path);
        Directory.CreateDirectory(full);
        if (!File.Exists(System.IO.Path.Combine(full, "config")))
            Create(full);
        using (var files = new OstreeFolder(full))
        {
            if (new OstreeRepository(files).Mode != OstreeMode.Archive)
                throw new UnsupportedSourceException(full, "is an OSTree repository that keeps files in a bare form; export into one of mode archive, and 'ostree pull-local' from there");
        }
        return new OstreeTarget(full, cancellation);
    }

    /// <summary>Whether an object has its place, or will have it before the ref moves.</summary>
    public bool Contains(ObjectId checksum, string suffix)
    {
        var path = OstreeChecksum.PathOf(checksum, suffix);
        if (_waiting.ContainsKey(path))
            return true;
        using var folder = Files.TryOpenFolder(path);
        return folder is not null && Posix.StatAt(folder, OstreeFolder.NameOf(path)) is { Type: FileType.Regular };
    }

    /// <summary>A file that has no place yet; <see cref="Keep"/> gives it one, <see cref="Drop"/> takes it away.</summary>
    public (SafeFileHandle File, byte[] Name) Create()
    {
        var name = Encoding.ASCII.GetBytes(Interlocked.Increment(ref _temporary).ToString(CultureInfo.InvariantCulture));
        return (Posix.CreateAt(_staging, name, FileMode), name);
    }

    public void Keep(byte[] temporary, long size, ObjectId checksum, string suffix)
    {
        var path = OstreeChecksum.PathOf(checksum, suffix);
        if (!_waiting.TryAdd(path, true))
        {
            Drop(temporary);
            return;
        }
        lock (_gate)
        {
            _staged.Add((temporary, path));
            _stagedBytes += size;
            Written++;
            WrittenBytes += size;
            if (_staged.Count >= BatchObjects || _stagedBytes >= BatchBytes)
                Flush();
        }
    }

    public void Drop(byte[] temporary) => Posix.UnlinkAt(_staging, temporary);

    /// <summary>Writes an object whose bytes are at hand, unless it is there.</summary>
    public void Put(ObjectId checksum, string suffix, ReadOnlySpan<byte> bytes)
    {
        if (Contains(checksum, suffix))
            return;
        var (file, name) = Create();
        using (file)
            Posix.Write(file, bytes, Path);
        Keep(name, bytes.Length, checksum, suffix);
    }

    /// <summary>Leads a ref from one commit to another; everything written before is durable first.</summary>
    /// <param name="from">Where it was seen; null where there was none.</param>
    /// <exception cref="BranchMovedException">Somebody else has moved it.</exception>
    public void MoveRef(string name, ObjectId? from, ObjectId to)
    {
        lock (_gate)
            Flush();
        Posix.SyncFilesystem(_root, Path);
        var (file, temporary) = Create();
        using (file)
        {
            Posix.Write(file, Encoding.ASCII.GetBytes(to + "\n"), Path);
            Posix.Fsync(file, Path);
        }
        var segments = name.Split('/');
        using var folder = EnsureFolders(["refs", "heads", .. segments[..^1]]);
        if (FindRef(name) != from)
            throw new BranchMovedException($"the ref '{name}' of {Path} was moved by somebody else; export again");
        Posix.RenameAt(_staging, temporary, folder, Encoding.ASCII.GetBytes(segments[^1]));
        Posix.Fsync(folder, Path);
    }

    /// <summary>What a ref is at, or null.</summary>
    public ObjectId? FindRef(string name)
    {
        using var file = Files.TryOpen($"refs/heads/{name}");
        return file is null ? null : Repository.Resolve(name).Commit;
    }

    public void Dispose()
    {
        Clear();
        Posix.RemoveDirectoryAt(_tmp, StagingName);
        Files.Dispose();
        Close();
    }

    // What a killed export left too: the lock is ours.
    private void Clear()
    {
        foreach (var (name, _) in Posix.ReadDirectory(_staging, Path))
            Posix.UnlinkAt(_staging, name);
    }

    private void Close()
    {
        _staging.Dispose();
        _lock.Dispose();
        _tmp.Dispose();
        _objects.Dispose();
        _root.Dispose();
    }

    // The caller holds the gate.
    private void Flush()
    {
        if (_staged.Count == 0)
            return;
        var (batch, made) = (_staged, new Dictionary<string, SafeFileHandle>());
        (_staged, _stagedBytes) = ([], 0);
        Posix.SyncFilesystem(_root, Path);
        try
        {
            foreach (var (temporary, path) in batch)
            {
                var folder = path.Split('/')[1];
                if (!made.TryGetValue(folder, out var target))
                    made.Add(folder, target = EnsureFolders(["objects", folder]));
                Posix.RenameAt(_staging, temporary, target, OstreeFolder.NameOf(path));
                _waiting.TryRemove(path, out _);
            }
        }
        finally
        {
            foreach (var folder in made.Values)
                folder.Dispose();
        }
    }

    private SafeFileHandle EnsureFolders(ReadOnlySpan<string> names)
    {
        var at = Posix.OpenDirectoryAt(_root, "."u8);
        foreach (var name in names)
        {
            using var parent = at;
            DurableFiles.EnsureDirectory(parent, Encoding.ASCII.GetBytes(name), DirectoryMode);
            at = Posix.OpenDirectoryAt(parent, Encoding.ASCII.GetBytes(name));
        }
        return at;
    }

    // What 'ostree init --mode=archive' makes.
    private static void Create(string path)
    {
        if (Directory.EnumerateFileSystemEntries(path).Any(e => System.IO.Path.GetFileName(e) is not ("objects" or "tmp" or "refs" or "state" or "extensions")))
            throw new UnsupportedSourceException(path, "is neither empty nor an OSTree repository");
        using var root = Posix.OpenDirectory(path);
        foreach (var name in new[] { "objects", "tmp", "tmp/cache", "extensions", "state", "refs", "refs/heads", "refs/mirrors", "refs/remotes" })
            Directory.CreateDirectory(System.IO.Path.Combine(path, name));
        Posix.SyncFilesystem(root, path);
        // Last: what has it is a repository.
        DurableFiles.Replace(root, "config"u8, "[core]\nrepo_version=1\nmode=archive-z2\n"u8, FileMode);
    }

    // Shared, as ostree does it when it writes: 'ostree prune' waits for us, and we for it.
    private static FileStream Lock(SafeFileHandle root, CancellationToken cancellation)
    {
        var stream = new FileStream(Posix.OpenOrCreateAt(root, ".lock"u8, 0x1b0), FileAccess.Read, bufferSize: 0);
        while (true)
        {
            try
            {
#pragma warning disable CA1416 // The server runs on Linux.
                stream.Lock(0, 0);
#pragma warning restore CA1416
                return stream;
            }
            catch (IOException)
            {
                if (cancellation.WaitHandle.WaitOne(WaitStep))
                {
                    stream.Dispose();
                    cancellation.ThrowIfCancellationRequested();
                }
            }
        }
    }
}
