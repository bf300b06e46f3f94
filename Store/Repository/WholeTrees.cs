using ContentTree.Store.Objects;

namespace ContentTree.Store.Repositories;

/// <summary>
/// Tells which trees of a repository have everything below them there, for an import that would put one into a new tree without looking
/// into it. What is there stays as long as the writer. For one thread.
/// </summary>
public sealed class WholeTrees(ObjectWriter writer)
{
    private RepositoryClosure _closure = new(writer.Repository);

    /// <summary>Whether the tree and all below it are there. Each tree is read once, however often it is asked about.</summary>
    /// <exception cref="CorruptObjectException">A tree is damaged.</exception>
    public bool Contains(ObjectId tree)
    {
        if (!writer.IsKnown(new ObjectName(ObjectKind.Tree, tree)))
            return false;
        var isWhole = true;
        _closure.AddTree(tree, _ => isWhole = false);
        // What was reached on this walk is no proof any more.
        if (!isWhole)
            _closure = new RepositoryClosure(writer.Repository);
        return isWhole;
    }
}
