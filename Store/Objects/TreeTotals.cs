namespace ContentTree.Store.Objects;

/// <summary>
/// How much a tree comes to when it is made as a directory. A subtree that stands in many places is read once and counted in each of
/// them: forty small trees, each naming the next one twice, are a million million directories.
/// </summary>
/// <param name="read">Called once for each tree; null for one that is missing.</param>
public sealed class TreeTotals(Func<ObjectId, Tree?> read)
{
    private readonly Dictionary<ObjectId, Totals> _known = [];

    /// <summary>Entries, bytes of files and levels of directories below a root tree.</summary>
    /// <exception cref="CorruptObjectException">More than a tree may have: <see cref="Tree.MaxTotalEntries"/>, <see cref="Tree.MaxTotalBytes"/>, <see cref="Tree.MaxDepth"/>.</exception>
    public (long Entries, long Bytes, int Depth) Of(ObjectId root)
    {
        if (!_known.TryGetValue(root, out var totals))
            totals = Count(root);
        return (totals.Entries, totals.Bytes, totals.Depth);
    }

    private Totals Count(ObjectId root)
    {
        var open = new Stack<OpenTree>([Open(root)]);
        while (true)
        {
            var top = open.Peek();
            if (top.NextChild() is { } child)
            {
                if (_known.TryGetValue(child, out var known))
                    top.Add(known);
                else if (open.Count > Tree.MaxDepth)
                    throw new CorruptObjectException(new ObjectName(ObjectKind.Tree, root), "is nested too deep");
                else
                    open.Push(Open(child));
                continue;
            }
            open.Pop();
            _known.Add(top.Id, top.Totals);
            if (!open.TryPeek(out var parent))
                return top.Totals;
            parent.Add(top.Totals);
        }
    }

    private OpenTree Open(ObjectId id)
    {
        var tree = new OpenTree(id);
        foreach (var entry in read(id)?.Entries ?? [])
            tree.Add(entry);
        return tree;
    }

    private readonly record struct Totals(long Entries, long Bytes, int Depth);

    // Only what is still to come is kept of a tree, so that a deep one costs little more than a flat one.
    private sealed class OpenTree(ObjectId id)
    {
        private readonly List<ObjectId> _children = [];
        private int _next;
        private long _entries, _bytes;
        private int _depth;

        public ObjectId Id { get; } = id;

        public Totals Totals => new(_entries, _bytes, _depth);

        public ObjectId? NextChild() => _next < _children.Count ? _children[_next++] : null;

        public void Add(TreeEntry entry)
        {
            if (entry is TreeEntry.Directory directory)
                _children.Add(directory.Id);
            Add(1, entry is TreeEntry.File file ? file.Size : 0);
        }

        public void Add(in Totals child)
        {
            Add(child.Entries, child.Bytes);
            _depth = Math.Max(_depth, child.Depth + 1);
            if (_depth > Tree.MaxDepth)
                throw TooMuch("is nested too deep");
        }

        private void Add(long entries, long bytes)
        {
            if ((_entries += entries) > Tree.MaxTotalEntries)
                throw TooMuch($"has more than {Tree.MaxTotalEntries} entries in all");
            if (bytes > Tree.MaxTotalBytes || (_bytes += bytes) > Tree.MaxTotalBytes)
                throw TooMuch($"has more than {Tree.MaxTotalBytes} bytes in all");
        }

        private CorruptObjectException TooMuch(string reason) => new(new ObjectName(ObjectKind.Tree, Id), reason);
    }
}
