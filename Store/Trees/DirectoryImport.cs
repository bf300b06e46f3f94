using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Trees;

/// <summary>
/// Reads a directory into a repository. One thread walks and stats; workers read, hash and compress files; whoever
/// finishes a directory's last entry writes its tree. Memory is bounded by the queue, not by the tree.
/// </summary>
public sealed class DirectoryImport : IDisposable
{
    // Long, because a walker that finds the queue full spins before it sleeps.
    private const int QueueLength = 256;
    private const int FilesPerJob = 32;

    private readonly ObjectWriter _writer;
    private readonly ImportOptions _options;
    private readonly BlockingCollection<List<PendingFile>> _jobs = new(QueueLength);
    private List<PendingFile> _job = [];
    private readonly CancellationTokenSource _stop;
    private readonly ConcurrentDictionary<ushort, long> _machines = new();
    private MetadataRules _rules = MetadataRules.None;
    private StatCache? _cache;
    private bool _hasCache;
    private Exception? _failure;
    private long _entries, _bytes, _read, _unchanged;

    private DirectoryImport(ObjectWriter writer, ImportOptions options, CancellationToken cancellation)
    {
        _writer = writer;
        _options = options;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
    }

    /// <summary>
    /// Imports everything below <paramref name="path"/>, but what the source's own rules leave out, and with what they add. Objects become
    /// durable with the writer's Complete.
    /// </summary>
    /// <exception cref="UnsupportedSourceException">Something there cannot be in a tree; the message names it.</exception>
    /// <exception cref="SourceChangedException">A file was written to meanwhile.</exception>
    public static ImportResult Run(string path, ObjectWriter writer, ImportOptions options, CancellationToken cancellation = default)
    {
        using var import = new DirectoryImport(writer, options, cancellation);
        return import.WithAdded(import.Run(path, cancellation));
    }

    public void Dispose()
    {
        _jobs.Dispose();
        _stop.Dispose();
    }

    private ImportResult Run(string path, CancellationToken cancellation)
    {
        var root = new PendingDirectory(null, 0, default, Posix.OpenDirectory(path), path);
        _rules = _options.IsWhole ? MetadataRules.None : SourceFiles.ReadMetadata(root.Handle);
        _cache = _options.Cache?.Prepare(root.Handle, path) == true ? _options.Cache : null;
        _hasCache = _cache is { IsEmpty: false };
        var workers = Enumerable.Range(0, Math.Max(1, _options.Workers)).Select(_ => StartWorker()).ToArray();
        using var finisher = new FileIngest(_writer);
        try
        {
            Walk(root, 0, finisher);
            _jobs.Add(_job, _stop.Token);
        }
        catch (Exception e)
        {
            // Keeps a worker's failure when that is what stopped the walk.
            Fail(e);
        }
        _jobs.CompleteAdding();
        foreach (var worker in workers)
            worker.Join();
        cancellation.ThrowIfCancellationRequested();
        if (_failure is not null)
            ExceptionDispatchInfo.Throw(_failure);
        return new ImportResult(root.Result, _entries, _bytes, MostFrequentMachine(), _read, _unchanged);
    }

    // Only what is in the repository can be read again and added to.
    private ImportResult WithAdded(ImportResult import)
    {
        if (!_rules.Added.Any())
            return import;
        _writer.Complete();
        return AddedEntries.Put(_writer, import, _rules, _options.Owner);
    }

    private Thread StartWorker()
    {
        var thread = new Thread(Work) { IsBackground = true, Name = "import" };
        thread.Start();
        return thread;
    }

    private void Work()
    {
        using var ingest = new FileIngest(_writer);
        try
        {
            foreach (var file in _jobs.GetConsumingEnumerable(_stop.Token).SelectMany(job => job))
            {
                _stop.Token.ThrowIfCancellationRequested();
                Finish(file.Parent, file.Slot, ImportFile(file.Parent, file.Name, ingest), ingest);
            }
        }
        catch (OperationCanceledException)
        {
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    private void Fail(Exception e)
    {
        Interlocked.CompareExchange(ref _failure, e, null);
        _stop.Cancel();
    }

    private void Walk(PendingDirectory directory, int depth, FileIngest finisher)
    {
        if (depth > Tree.MaxDepth)
            throw new UnsupportedSourceException(directory.Path, $"is nested deeper than {Tree.MaxDepth} directories");
        var found = Posix.ReadDirectory(directory.Handle, directory.Path);
        if (!_options.IsWhole)
            LeaveOut(directory, found);
        found.Sort((a, b) => a.Name.AsSpan().SequenceCompareTo(b.Name));
        directory.Expect(found.Count);
        if (Interlocked.Add(ref _entries, found.Count) > Tree.MaxTotalEntries)
            throw new UnsupportedSourceException(directory.Path, $"with it there are more than {Tree.MaxTotalEntries} entries");
        for (var slot = 0; slot < found.Count; slot++)
        {
            _stop.Token.ThrowIfCancellationRequested();
            var name = EntryName.Create(found[slot].Name);
            if (found[slot].Type == FileType.Regular)
                Enqueue(new PendingFile(directory, slot, name));
            else if (StatOf(directory, name) is var stat && stat.Type == FileType.Regular)
                Enqueue(new PendingFile(directory, slot, name));
            else if (stat.Type == FileType.Directory)
                Walk(new PendingDirectory(directory, slot, name, OpenChild(directory, name), directory.PathOf(name)), depth + 1, finisher);
            else
                Finish(directory, slot, Special(directory, name, stat), finisher);
        }
        // The walker holds one of the directory's counts, so that it cannot finish while entries are still being listed.
        Finish(directory, PendingDirectory.WalkerSlot, null, finisher);
    }

    private static void LeaveOut(PendingDirectory directory, List<(byte[] Name, FileType? Type)> found)
    {
        if (SourceFiles.ReadIgnored(directory.Handle, found) is { } file)
            directory.Ignored = directory.Ignored.Within(directory.Place, file);
        var isRoot = directory.Parent is null;
        found.RemoveAll(entry => (isRoot || directory.Ignored != IgnoreRules.None || entry.Name.Length == IgnoreRules.FileName.Length) && IsLeftOut(directory, entry));
    }

    private static bool IsLeftOut(PendingDirectory directory, (byte[] Name, FileType? Type) entry)
    {
        var name = EntryName.Create(entry.Name);
        var path = directory.Place.Append(name);
        return SourceRules.IsAboutTheSource(path) ||
            directory.Ignored.IsIgnored(path, (entry.Type ?? StatOf(directory, name).Type) == FileType.Directory);
    }

    private void Enqueue(PendingFile file)
    {
        _job.Add(file);
        if (_job.Count < FilesPerJob)
            return;
        _jobs.Add(_job, _stop.Token);
        _job = new List<PendingFile>(FilesPerJob);
    }

    private static FileStat StatOf(PendingDirectory directory, EntryName name) =>
        Posix.StatAt(directory.Handle, name.Bytes) ?? throw new SourceChangedException(directory.PathOf(name));

    private static SafeFileHandle OpenChild(PendingDirectory directory, EntryName name)
    {
        try
        {
            return Posix.OpenDirectoryAt(directory.Handle, name.Bytes);
        }
        catch (PosixException e)
        {
            throw Unreadable(directory.PathOf(name), e);
        }
    }

    private static Exception Unreadable(string path, PosixException e) =>
        e.Errno is Posix.EACCES or Posix.EPERM ? new UnsupportedSourceException(path, "not readable by this user")
        : e.Errno is Posix.ENOENT or Posix.ELOOP or Posix.ENOTDIR ? new SourceChangedException(path)
        : e;

    private TreeEntry.File ImportFile(PendingDirectory parent, EntryName name, FileIngest ingest)
    {
        if (_hasCache && TryUnchanged(parent, name) is { } unchanged)
            return unchanged;
        var path = parent.PathOf(name);
        try
        {
            using var file = Posix.OpenForReadingAt(parent.Handle, name.Bytes);
            var (id, stat, machine) = ingest.Ingest(file, path);
            var xattrs = SourceXattrs.Read(file, path);
            _cache?.Remember(stat, id, machine, xattrs.Count > 0);
            Interlocked.Increment(ref _read);
            return Counted(parent, name, stat, id, machine, xattrs);
        }
        catch (PosixException e)
        {
            throw Unreadable(path, e);
        }
    }

    private TreeEntry.File? TryUnchanged(PendingDirectory parent, EntryName name)
    {
        var stat = StatOf(parent, name);
        if (stat.Type != FileType.Regular || !_cache!.TryFind(stat, out var id, out var machine, out var hasXattrs) ||
            !_writer.IsKnown(new ObjectName(ObjectKind.File, id)))
            return null;
        var xattrs = hasXattrs ? SourceXattrs.ReadAt(parent.Handle, name.Bytes, parent.PathOf(name)) : [];
        Interlocked.Increment(ref _unchanged);
        return Counted(parent, name, stat, id, machine, xattrs);
    }

    private TreeEntry.File Counted(PendingDirectory parent, EntryName name, in FileStat stat, ObjectId id, ushort machine, IReadOnlyList<Xattr> xattrs)
    {
        if (Interlocked.Add(ref _bytes, stat.Size) is > Tree.MaxTotalBytes or < 0)
            throw new UnsupportedSourceException(parent.PathOf(name), $"with it there are more than {Tree.MaxTotalBytes} bytes");
        if (machine != 0)
            _machines.AddOrUpdate(machine, 1, (_, count) => count + 1);
        return new TreeEntry.File(name, MetadataOf(parent, name, stat, xattrs), stat.Size, id);
    }

    private TreeEntry Special(PendingDirectory directory, EntryName name, in FileStat stat)
    {
        var path = directory.PathOf(name);
        var metadata = MetadataOf(directory, name, stat, SourceXattrs.ReadAt(directory.Handle, name.Bytes, path));
        return stat.Type switch
        {
            FileType.Symlink => new TreeEntry.Symlink(name, metadata with { Mode = 0 }, Posix.ReadLinkAt(directory.Handle, name.Bytes)),
            FileType.CharacterDevice or FileType.BlockDevice =>
                new TreeEntry.Device(name, metadata, stat.Type == FileType.BlockDevice, stat.RdevMajor, stat.RdevMinor),
            FileType.Fifo => new TreeEntry.Fifo(name, metadata),
            FileType.Socket => throw new UnsupportedSourceException(path, "is a socket, which no tree can hold; remove it or stop the program that made it"),
            _ => throw new UnsupportedSourceException(path, "is of a kind that no tree can hold"),
        };
    }

    private Metadata MetadataOf(PendingDirectory parent, EntryName name, in FileStat stat, IReadOnlyList<Xattr> xattrs)
    {
        var own = MetadataOf(stat, xattrs);
        if (_rules.IsEmpty)
            return own;
        var ruled = _rules.Apply(parent.Place.Append(name), isDirectory: false, own);
        return ruled with { Xattrs = SourceXattrs.OfTree(ruled.Xattrs, parent.PathOf(name)) };
    }

    private Metadata MetadataOf(in FileStat stat, IReadOnlyList<Xattr> xattrs) => _options.Owner is var (uid, gid)
        ? new Metadata(stat.Permissions, uid, gid, xattrs)
        : new Metadata(stat.Permissions, stat.Uid, stat.Gid, xattrs);

    private void Finish(PendingDirectory directory, int slot, TreeEntry? entry, FileIngest ingest)
    {
        // Upwards in a loop: finishing a leaf may finish a thousand ancestors.
        while (directory.Finish(slot, entry) is { } entries)
        {
            var stat = Posix.Stat(directory.Handle, directory.Path);
            var metadata = MetadataOf(stat, SourceXattrs.Read(directory.Handle, directory.Path));
            var tree = new Tree(_rules.Apply(directory.Place, isDirectory: true, metadata), entries);
            var id = _writer.Write(tree, ingest.Encoder);
            directory.Complete(id);
            if (directory.Parent is null)
                return;
            (slot, entry) = (directory.Slot, new TreeEntry.Directory(directory.Name, id));
            directory = directory.Parent;
        }
    }

    private string MostFrequentMachine() => _machines.IsEmpty
        ? ""
        : ElfMachine.Name(_machines.OrderByDescending(m => m.Value).ThenBy(m => m.Key).First().Key);

    private readonly record struct PendingFile(PendingDirectory Parent, int Slot, EntryName Name);
}
