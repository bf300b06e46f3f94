using ContentTree.Store.Objects;

namespace ContentTree.Store.Deltas.Plans;

/// <summary>The trees of the commit that a delta starts from, read as they are needed.</summary>
/// <param name="read">Reads a tree; its hash is checked there.</param>
/// <param name="root">The old root tree; null when the delta starts from nothing.</param>
internal sealed class OldTrees(Func<ObjectId, Tree> read, ObjectId? root)
{
    // Bases come in runs from the same directories: the last one read on each level.
    private readonly List<(ObjectId Id, Tree Tree)> _path = [];

    public Tree? Root { get; } = root is { } id ? read(id) : null;

    public Tree Read(ObjectId id) => read(id);

    /// <exception cref="CorruptDeltaException">There is no such entry.</exception>
    public TreeEntry Find(OldPlace place)
    {
        var tree = Root ?? throw new CorruptDeltaException("refers to an old commit, and starts from none");
        for (var level = 0; ; level++)
        {
            var index = place.Indexes[level];
            if (index >= tree.Entries.Count)
                throw new CorruptDeltaException("refers to an entry that the old commit has not got");
            var entry = tree.Entries[index];
            if (level == place.Indexes.Count - 1)
                return entry;
            tree = entry is TreeEntry.Directory directory ? ReadAt(level, directory.Id) : throw new CorruptDeltaException("refers to something below what is no directory");
        }
    }

    private Tree ReadAt(int level, ObjectId id)
    {
        if (level < _path.Count && _path[level].Id == id)
            return _path[level].Tree;
        _path.RemoveRange(level, _path.Count - level);
        _path.Add((id, read(id)));
        return _path[level].Tree;
    }
}
