using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;

namespace ContentTree.Store.Local;

/// <summary>Walks everything that a root tree reaches in a local store, each tree once.</summary>
public sealed class StoreClosure(LocalStore store)
{
    private readonly HashSet<ObjectId> _seen = [];

    /// <exception cref="ObjectNotFoundException">A tree or a file variant is missing.</exception>
    public void Check(ObjectId rootTree) => Visit(rootTree, (file, _) =>
    {
        if (!store.Contains(file))
            throw new ObjectNotFoundException(new ObjectName(ObjectKind.File, file.Content));
    });

    /// <summary>Calls <paramref name="onFile"/> for every file that is not empty; <paramref name="onTree"/> for every tree.</summary>
    /// <exception cref="CorruptObjectException">A tree is damaged, or comes to more than a tree may have.</exception>
    public void Visit(ObjectId rootTree, Action<StoredFile, TreeEntry.File> onFile, Action<ObjectId>? onTree = null) => new TreeTotals(id =>
    {
        // Seen from another root, which was within the limits.
        if (!_seen.Add(id))
            return null;
        onTree?.Invoke(id);
        var tree = store.ReadTree(id);
        foreach (var entry in tree.Entries)
        {
            if (entry is TreeEntry.File { Size: > 0 } file)
                onFile(new StoredFile(file.Id, file.Metadata.Digest()), file);
        }
        return tree;
    }).Of(rootTree);
}
