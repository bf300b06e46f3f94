using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using ContentTree.Server.Ostree;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;

namespace ContentTree.Server.Publishing.Sources.Ostree;

/// <summary>
/// Makes our trees of OSTree's directories. Each directory is made once, however many places have it; of those that an earlier import made
/// nothing is read, and of the others only the files that are new.
/// </summary>
internal sealed class OstreeTreeReader(OstreeRepository source, int readers, ObjectWriter writer, OstreeMap map, CancellationToken cancellation) : IDisposable
{
    private readonly ConcurrentBag<FileIngest> _idle = [];
    private readonly WholeTrees _whole = new(writer);
    private readonly Dictionary<(ObjectId Tree, ObjectId Metadata), MadeTree> _made = [];
    private long _filesRead, _filesKnown;

    public long FilesRead => Interlocked.Read(ref _filesRead);

    /// <summary>Those that directories which had to be read share with earlier imports.</summary>
    public long FilesKnown => _filesKnown;

    public void Dispose()
    {
        foreach (var ingest in _idle)
            ingest.Dispose();
    }

    /// <exception cref="DamagedSourceException">Something is missing, or is something else.</exception>
    /// <exception cref="UnsupportedSourceException">Something there cannot be in a tree; the message names it.</exception>
    public MadeTree Read(ObjectId tree, ObjectId metadata) => Read(tree, metadata, EntryPath.Root);

    private MadeTree Read(ObjectId tree, ObjectId metadata, EntryPath path)
    {
        cancellation.ThrowIfCancellationRequested();
        if (_made.TryGetValue((tree, metadata), out var made))
            return made;
        made = Known(tree, metadata) ?? Make(tree, metadata, path);
        _made.Add((tree, metadata), made);
        return made;
    }

    private MadeTree? Known(ObjectId tree, ObjectId metadata) =>
        map.Find(OstreeFact.ImportedTree, tree, metadata) is { } bytes && MadeTree.TryDecode(bytes) is { } made && _whole.Contains(made.Id) ? made : null;

    private MadeTree Make(ObjectId tree, ObjectId metadata, EntryPath path)
    {
        var directory = source.ReadDirectory(tree);
        var header = source.ReadMetadata(metadata);
        try
        {
            if (header.Kind != OstreeHeader.Directory)
                throw new FormatException("has the metadata of something else than a directory");
            var own = header.ToMetadata();
            var totals = new MadeTree();
            var entries = new List<TreeEntry>(directory.Files.Count + directory.Directories.Count);
            var files = ReadFiles(directory, path);
            foreach (var (name, checksum) in directory.Files)
            {
                totals.Add(files[checksum]);
                entries.Add(files[checksum].Named(name));
            }
            foreach (var (name, child, childMetadata) in directory.Directories)
            {
                var made = Read(child, childMetadata, path.Append(name));
                totals.Add(made);
                entries.Add(new TreeEntry.Directory(name, made.Id));
            }
            entries.Sort((a, b) => a.Name.CompareTo(b.Name));
            return Write(new Tree(own, entries), totals, tree, metadata);
        }
        catch (FormatException e)
        {
            throw new UnsupportedSourceException(path.ToString(), e.Message);
        }
    }

    private MadeTree Write(Tree tree, MadeTree totals, ObjectId checksum, ObjectId metadata)
    {
        var ingest = Take();
        var made = totals.Named(writer.Write(tree, ingest.Encoder));
        _idle.Add(ingest);
        map.Remember(OstreeFact.ImportedTree, made.Encode(), checksum, metadata);
        return made;
    }

    private ConcurrentDictionary<ObjectId, MadeEntry> ReadFiles(OstreeDirectory directory, EntryPath path)
    {
        var found = new ConcurrentDictionary<ObjectId, MadeEntry>();
        var missing = new Dictionary<ObjectId, EntryName>();
        foreach (var (name, checksum) in directory.Files)
        {
            if (found.ContainsKey(checksum))
                continue;
            if (map.Find(OstreeFact.ImportedFile, checksum) is { } bytes && MadeEntry.TryDecode(bytes) is { } known && IsHere(known.Entry))
                found[checksum] = known;
            else
                missing.TryAdd(checksum, name);
        }
        _filesKnown += found.Count;
        try
        {
            Parallel.ForEach(missing, new ParallelOptions { MaxDegreeOfParallelism = readers, CancellationToken = cancellation },
                file => found[file.Key] = ReadFile(file.Key, path.Append(file.Value)));
        }
        catch (AggregateException several)
        {
            ExceptionDispatchInfo.Throw(several.InnerExceptions[0]);
        }
        return found;
    }

    private bool IsHere(TreeEntry entry) => entry is not TreeEntry.File file || writer.IsKnown(new ObjectName(ObjectKind.File, file.Id));

    private MadeEntry ReadFile(ObjectId checksum, EntryPath path)
    {
        cancellation.ThrowIfCancellationRequested();
        using var content = source.OpenFile(checksum);
        try
        {
            var metadata = content.Header.ToMetadata();
            var made = content.Header.Kind == OstreeHeader.SymbolicLink ? Symlink(content, metadata) : File(content, metadata, path);
            map.Remember(OstreeFact.ImportedFile, made.Encode(), checksum);
            return made;
        }
        catch (FormatException e)
        {
            throw new UnsupportedSourceException(path.ToString(), e.Message);
        }
    }

    private static MadeEntry Symlink(OstreeContent content, Metadata metadata)
    {
        content.RequireWhole();
        return content.Header.Target.Length is > 0 and <= TreeEntry.Symlink.MaxTarget
            ? new MadeEntry(new TreeEntry.Symlink(MadeEntry.NoName, metadata, content.Header.Target), 0)
            : throw new FormatException("is a symbolic link to what no path can be");
    }

    private MadeEntry File(OstreeContent content, Metadata metadata, EntryPath path)
    {
        if (content.Header.Kind != OstreeHeader.RegularFile)
            throw new FormatException("is neither a file nor a symbolic link");
        var ingest = Take();
        var (id, machine) = ingest.Ingest(content, content.Size, path.ToString());
        content.RequireWhole();
        _idle.Add(ingest);
        Interlocked.Increment(ref _filesRead);
        return new MadeEntry(new TreeEntry.File(MadeEntry.NoName, metadata, content.Size, id), machine);
    }

    private FileIngest Take() => _idle.TryTake(out var idle) ? idle : new FileIngest(writer);
}
