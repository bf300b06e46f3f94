using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;

namespace ContentTree.Store.Trees;

/// <summary>
/// Makes a tree of entries that come one by one, in whatever order a source has them. Contents go to the repository at once; names and
/// metadata stay in memory until <see cref="Complete"/> writes the trees. A later entry replaces an earlier one of the same path. For one thread.
/// </summary>
/// <param name="writer">Takes the objects; they become durable with its Complete.</param>
/// <param name="owner">Recorded for every entry instead of its own; null keeps them.</param>
/// <param name="rules">What the source says of entries beside what it holds.</param>
public sealed class TreeAssembly(ObjectWriter writer, (uint Uid, uint Gid)? owner, MetadataRules rules) : IDisposable
{
    private const int ImplicitMode = 0x1ed;

    private readonly FileIngest _ingest = new(writer);
    private readonly Dictionary<ushort, long> _machines = [];
    private readonly Node _root = new() { Children = [], Metadata = rules.Apply(EntryPath.Root, true, Metadata.Plain(ImplicitMode)) };
    private readonly Dictionary<Metadata, Metadata> _metadata = [];
    private long _entries, _bytes, _read;

    public void Dispose() => _ingest.Dispose();

    /// <summary>A directory: what is in it already stays.</summary>
    /// <exception cref="UnsupportedSourceException">Something else has that path, or one above it.</exception>
    public void AddDirectory(EntryPath path, Metadata metadata)
    {
        var directory = DirectoryAt(path, path.Names.Count);
        directory.Metadata = Shared(metadata, path, isDirectory: true);
    }

    /// <param name="size">Exactly what <paramref name="content"/> holds.</param>
    /// <exception cref="UnsupportedSourceException">Another size, or the path cannot be.</exception>
    public void AddFile(EntryPath path, Metadata metadata, long size, Stream content)
    {
        var parent = ParentOf(path);
        if (size < 0 || size > Tree.MaxTotalBytes - _bytes)
            throw new UnsupportedSourceException(path.ToString(), $"with it there are more than {Tree.MaxTotalBytes} bytes");
        var (id, machine) = _ingest.Ingest(content, size, path.ToString());
        _read++;
        _bytes += size;
        Put(parent, path, new Node { Entry = new TreeEntry.File(NameOf(path), Shared(metadata, path), size, id), Machine = machine, Metadata = metadata });
    }

    /// <summary>A second name of a file that was added before. In a tree it is a file of its own with the same content.</summary>
    /// <exception cref="UnsupportedSourceException">There is no such file.</exception>
    public void AddLink(EntryPath path, EntryPath target)
    {
        if (Find(target) is not { Entry: { } entry } found || entry is TreeEntry.Directory)
            throw new UnsupportedSourceException(path.ToString(), $"is a hard link to {target}, which did not come before it");
        // What the source's rules say of the other name is not said of this one.
        Put(ParentOf(path), path, new Node { Entry = Renamed(entry, NameOf(path), Shared(found.Metadata, path)), Machine = found.Machine, Metadata = found.Metadata });
        if ((_bytes += entry is TreeEntry.File file ? file.Size : 0) > Tree.MaxTotalBytes)
            throw new UnsupportedSourceException(path.ToString(), $"with it there are more than {Tree.MaxTotalBytes} bytes");
    }

    /// <exception cref="UnsupportedSourceException">The target is empty or too long.</exception>
    public void AddSymlink(EntryPath path, Metadata metadata, ReadOnlySpan<byte> target)
    {
        if (target.Length is 0 or > TreeEntry.Symlink.MaxTarget || target.Contains((byte)0))
            throw new UnsupportedSourceException(path.ToString(), "is a symbolic link to what no path can be");
        Put(ParentOf(path), path, new Node { Entry = new TreeEntry.Symlink(NameOf(path), Shared(metadata, path) with { Mode = 0 }, target.ToArray()), Metadata = metadata });
    }

    public void AddDevice(EntryPath path, Metadata metadata, bool isBlock, uint major, uint minor) =>
        Put(ParentOf(path), path, new Node { Entry = new TreeEntry.Device(NameOf(path), Shared(metadata, path), isBlock, major, minor), Metadata = metadata });

    public void AddFifo(EntryPath path, Metadata metadata) =>
        Put(ParentOf(path), path, new Node { Entry = new TreeEntry.Fifo(NameOf(path), Shared(metadata, path)), Metadata = metadata });

    /// <summary>Takes away what has that path, with all that is below it. Nothing there is nothing to do.</summary>
    public void Remove(EntryPath path)
    {
        if (path.Names.Count > 0 && Find(path, path.Names.Count - 1)?.Children?.Remove(NameOf(path), out var gone) == true)
            Forget(gone);
    }

    /// <summary>Takes away all that is below a directory.</summary>
    public void Clear(EntryPath path)
    {
        if (Find(path) is not { Children: { } children })
            return;
        foreach (var gone in children.Values)
            Forget(gone);
        children.Clear();
    }

    /// <summary>Whether something has that path.</summary>
    public bool Contains(EntryPath path) => Find(path) is not null;

    /// <summary>Writes the trees.</summary>
    public ImportResult Complete()
    {
        foreach (var (path, kind, major, minor) in rules.Added.Where(added => Find(added.Path) is null))
            Add(path, kind, major, minor);
        var id = Write(_root, 0);
        return new ImportResult(id, _entries, _bytes, MostFrequentMachine(), _read, 0);
    }

    private void Add(EntryPath path, MetadataRules.AddedKind kind, uint major, uint minor)
    {
        if (kind == MetadataRules.AddedKind.Directory)
            AddDirectory(path, Metadata.Plain(ImplicitMode));
        else if (kind == MetadataRules.AddedKind.Fifo)
            AddFifo(path, Metadata.Plain(MetadataRules.NodeMode));
        else
            AddDevice(path, Metadata.Plain(MetadataRules.NodeMode), kind == MetadataRules.AddedKind.BlockDevice, major, minor);
    }

    private static EntryName NameOf(EntryPath path) => path.Names[^1];

    private static TreeEntry Renamed(TreeEntry entry, EntryName name, Metadata metadata) => entry switch
    {
        TreeEntry.File file => new TreeEntry.File(name, metadata, file.Size, file.Id),
        TreeEntry.Symlink link => new TreeEntry.Symlink(name, metadata with { Mode = 0 }, link.Target),
        TreeEntry.Device device => new TreeEntry.Device(name, metadata, device.IsBlock, device.Major, device.Minor),
        TreeEntry.Fifo => new TreeEntry.Fifo(name, metadata),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    private Metadata Shared(Metadata metadata, EntryPath path, bool isDirectory = false)
    {
        if (owner is var (uid, gid))
            metadata = metadata with { Uid = uid, Gid = gid };
        var owned = rules.Apply(path, isDirectory, metadata);
        var xattrs = SourceXattrs.OfTree(owned.Xattrs, path.ToString());
        if (xattrs.Count != owned.Xattrs.Count)
            owned = owned with { Xattrs = xattrs };
        if (_metadata.TryGetValue(owned, out var known))
            return known;
        _metadata.Add(owned, owned);
        return owned;
    }

    private Node ParentOf(EntryPath path) => path.Names.Count > 0
        ? DirectoryAt(path, path.Names.Count - 1)
        : throw new UnsupportedSourceException("/", "the root can only be a directory");

    // Directories that a source does not name, because it names only what is in them, are root's with mode 755.
    private Node DirectoryAt(EntryPath path, int depth)
    {
        if (depth > Tree.MaxDepth)
            throw new UnsupportedSourceException(path.ToString(), $"is nested deeper than {Tree.MaxDepth} directories");
        var at = _root;
        for (var i = 0; i < depth; i++)
        {
            if (!at.Children!.TryGetValue(path.Names[i], out var next))
            {
                Count(path);
                next = new Node { Children = [], Metadata = Shared(Metadata.Plain(ImplicitMode), path.FirstNames(i + 1), isDirectory: true) };
                at.Children.Add(path.Names[i], next);
            }
            at = next.Children is not null ? next : throw new UnsupportedSourceException(path.ToString(), $"is below '{path.Names[i]}', which is no directory");
        }
        return at;
    }

    private void Put(Node parent, EntryPath path, Node node)
    {
        if (parent.Children!.TryGetValue(NameOf(path), out var old))
        {
            if (old.Children is not null)
                throw new UnsupportedSourceException(path.ToString(), "is a directory and something else");
            Forget(old);
        }
        Count(path);
        parent.Children[NameOf(path)] = node;
    }

    private void Count(EntryPath path)
    {
        if (++_entries > Tree.MaxTotalEntries)
            throw new UnsupportedSourceException(path.ToString(), $"with it there are more than {Tree.MaxTotalEntries} entries");
    }

    private void Forget(Node gone)
    {
        var open = new Stack<Node>([gone]);
        while (open.TryPop(out var next))
        {
            _entries--;
            _bytes -= next.Entry is TreeEntry.File file ? file.Size : 0;
            foreach (var child in next.Children?.Values ?? Enumerable.Empty<Node>())
                open.Push(child);
        }
    }

    private Node? Find(EntryPath path) => Find(path, path.Names.Count);

    private Node? Find(EntryPath path, int depth)
    {
        var at = _root;
        for (var i = 0; i < depth; i++)
        {
            if (at.Children is null || !at.Children.TryGetValue(path.Names[i], out var next))
                return null;
            at = next;
        }
        return at;
    }

    private ObjectId Write(Node directory, int depth)
    {
        var entries = new List<TreeEntry>(directory.Children!.Count);
        foreach (var (name, node) in directory.Children.OrderBy(c => c.Key))
        {
            if (node.Machine != 0)
                _machines[node.Machine] = _machines.GetValueOrDefault(node.Machine) + 1;
            entries.Add(node.Entry ?? new TreeEntry.Directory(name, Write(node, depth + 1)));
        }
        return writer.Write(new Tree(directory.Metadata, entries), _ingest.Encoder);
    }

    private string MostFrequentMachine() => _machines.Count == 0
        ? ""
        : ElfMachine.Name(_machines.OrderByDescending(m => m.Value).ThenBy(m => m.Key).First().Key);

    /// <summary>A directory has children; everything else an entry, and its metadata as the source had it.</summary>
    private sealed class Node
    {
        public TreeEntry? Entry { get; init; }

        public ushort Machine { get; init; }

        public Metadata Metadata { get; set; } = Metadata.Plain(0);

        public Dictionary<EntryName, Node>? Children { get; init; }
    }
}
