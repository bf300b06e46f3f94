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
/// <param name="present">A tree of the writer's repository to begin with, all of which stays there meanwhile; null begins with an empty one. Only directories in which something changes are read.</param>
public sealed class TreeAssembly(ObjectWriter writer, (uint Uid, uint Gid)? owner, MetadataRules rules, PresentTree? present = null) : IDisposable
{
    private const int ImplicitMode = 0x1ed;

    private readonly FileIngest _ingest = new(writer);
    private StoredContent? _stored;
    private readonly Dictionary<ushort, long> _machines = present is null ? [] : new(present.Machines);
    private readonly Node _root = present is null ? new Node { Children = [], Metadata = rules.Apply(EntryPath.Root, true, Metadata.Plain(ImplicitMode)) } : new Node { Stored = present.Tree };
    private readonly Dictionary<Metadata, Metadata> _metadata = [];
    private long _entries = present?.Entries ?? 0, _bytes = present?.Bytes ?? 0, _files = present?.Files ?? 0, _read;

    public void Dispose()
    {
        _ingest.Dispose();
        _stored?.Dispose();
    }

    /// <summary>A directory: what is in it already stays.</summary>
    /// <exception cref="UnsupportedSourceException">Something else has that path, or one above it.</exception>
    public void AddDirectory(EntryPath path, Metadata metadata)
    {
        var directory = DirectoryAt(path, path.Names.Count);
        // Reading it later would bring back what it had.
        ChildrenOf(directory);
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
        if (Find(target) is not { Entry: { } entry } found)
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
        if (path.Names.Count > 0 && Find(path, path.Names.Count - 1) is { } parent && ChildrenOf(parent)?.Remove(NameOf(path), out var gone) == true)
            Forget(gone);
    }

    /// <summary>Whether a directory has that path and nothing in it.</summary>
    public bool IsEmptyDirectory(EntryPath path) => Find(path) is { } node && ChildrenOf(node) is { Count: 0 };

    /// <summary>Takes away all that is below a directory.</summary>
    public void Clear(EntryPath path)
    {
        if (Find(path) is not { } directory || ChildrenOf(directory) is not { } children)
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
        var id = Write(_root);
        Made = new PresentTree(id, _entries, _bytes, _files, _machines);
        return new ImportResult(id, _entries, _bytes, MostFrequentMachine(), _read, present is null ? 0 : Math.Max(0, _files - _read));
    }

    /// <summary>What <see cref="Complete"/> wrote, to begin with another time.</summary>
    public PresentTree? Made { get; private set; }

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
            var children = ChildrenOf(at)!;
            if (!children.TryGetValue(path.Names[i], out var next))
            {
                Count(path);
                next = new Node { Children = [], Metadata = Shared(Metadata.Plain(ImplicitMode), path.FirstNames(i + 1), isDirectory: true) };
                children.Add(path.Names[i], next);
            }
            at = next.IsDirectory ? next : throw new UnsupportedSourceException(path.ToString(), $"is below '{path.Names[i]}', which is no directory");
        }
        return at;
    }

    private void Put(Node parent, EntryPath path, Node node)
    {
        var children = ChildrenOf(parent)!;
        if (children.TryGetValue(NameOf(path), out var old))
        {
            if (old.IsDirectory)
                throw new UnsupportedSourceException(path.ToString(), "is a directory and something else");
            Forget(old);
        }
        Count(path);
        _files += node.Entry is TreeEntry.File ? 1 : 0;
        Count(node.Machine ?? 0, 1);
        children[NameOf(path)] = node;
    }

    private void Count(ushort machine, int change)
    {
        if (machine != 0 && (_machines[machine] = _machines.GetValueOrDefault(machine) + change) == 0)
            _machines.Remove(machine);
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
            if (next.Entry is TreeEntry.File file)
            {
                _files--;
                _bytes -= file.Size;
                Count(next.Machine ?? MachineOf(file), -1);
            }
            foreach (var child in ChildrenOf(next)?.Values ?? Enumerable.Empty<Node>())
                open.Push(child);
        }
    }

    private Node? Find(EntryPath path) => Find(path, path.Names.Count);

    private Node? Find(EntryPath path, int depth)
    {
        var at = _root;
        for (var i = 0; i < depth; i++)
        {
            if (ChildrenOf(at) is not { } children || !children.TryGetValue(path.Names[i], out var next))
                return null;
            at = next;
        }
        return at;
    }

    private ObjectId Write(Node directory)
    {
        if (directory is { Stored: { } stored, Children: null })
            return stored;
        var entries = directory.Children!.OrderBy(c => c.Key).Select(c => c.Value.Entry ?? new TreeEntry.Directory(c.Key, Write(c.Value))).ToList();
        return writer.Write(new Tree(directory.Metadata, entries), _ingest.Encoder);
    }

    // Null for what is no directory.
    private Dictionary<EntryName, Node>? ChildrenOf(Node node)
    {
        if (node is not { Stored: { } stored, Children: null })
            return node.Children;
        var tree = writer.Repository.ReadTree(stored);
        node.Metadata = tree.Metadata;
        return node.Children = tree.Entries.ToDictionary(e => e.Name, e => e is TreeEntry.Directory directory
            ? new Node { Stored = directory.Id }
            : new Node { Entry = e, Machine = null, Metadata = MetadataOf(e) });
    }

    private static Metadata MetadataOf(TreeEntry entry) => entry switch
    {
        TreeEntry.File file => file.Metadata,
        TreeEntry.Symlink link => link.Metadata,
        TreeEntry.Device device => device.Metadata,
        TreeEntry.Fifo fifo => fifo.Metadata,
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    // Of a file that was there before nobody has noted it.
    private ushort MachineOf(TreeEntry.File file)
    {
        Span<byte> start = stackalloc byte[ElfMachine.HeaderBytes];
        return ElfMachine.Detect(start[..(_stored ??= new StoredContent(writer.Repository)).ReadStart(new ObjectName(ObjectKind.File, file.Id), start)]);
    }

    private string MostFrequentMachine() => _machines.Count == 0
        ? ""
        : ElfMachine.Name(_machines.OrderByDescending(m => m.Value).ThenBy(m => m.Key).First().Key);

    /// <summary>A directory has children, or is stored and not read yet; everything else has an entry, and its metadata as the source had it.</summary>
    private sealed class Node
    {
        public TreeEntry? Entry { get; init; }

        /// <summary>Null where it is not known: the file was there before.</summary>
        public ushort? Machine { get; init; } = 0;

        public Metadata Metadata { get; set; } = Metadata.Plain(0);

        public ObjectId? Stored { get; init; }

        public Dictionary<EntryName, Node>? Children { get; set; }

        public bool IsDirectory => Entry is null;
    }
}
