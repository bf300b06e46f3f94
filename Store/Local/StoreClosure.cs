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
    public void Visit(ObjectId rootTree, Action<StoredFile, TreeEntry.File> onFile, Action<ObjectId>? onTree = null)
    {
        var open = new Stack<(ObjectId Id, int Depth)>([(rootTree, 0)]);
        while (open.TryPop(out var next))
        {
            if (!_seen.Add(next.Id))
                continue;
            if (next.Depth > Tree.MaxDepth)
                throw new CorruptObjectException(new ObjectName(ObjectKind.Tree, rootTree), "is nested too deep");
            onTree?.Invoke(next.Id);
            foreach (var entry in store.ReadTree(next.Id).Entries)
            {
                if (entry is TreeEntry.Directory directory)
                    open.Push((directory.Id, next.Depth + 1));
                else if (entry is TreeEntry.File { Size: > 0 } file)
                    onFile(new StoredFile(file.Id, file.Metadata.Digest()), file);
            }
        }
    }
}
