using ContentTree.Store.Objects;

namespace ContentTree.Store.Repositories;

/// <summary>Everything that commits reach in a repository. Each tree is read once, however many commits share it.</summary>
/// <param name="import">A completed import, whose new trees are known to be whole and are not walked again; null walks all.</param>
public sealed class RepositoryClosure(Repository repository, ObjectWriter? import = null)
{
    private readonly HashSet<ObjectName> _reached = [];

    /// <summary>All objects reached so far.</summary>
    public IReadOnlySet<ObjectName> Reached => _reached;

    /// <summary>Adds a commit and all its trees and files. Parents are not followed: history may have been pruned.</summary>
    /// <param name="missing">Called for each object that is not in the repository.</param>
    /// <exception cref="CorruptObjectException">A commit or tree is damaged.</exception>
    public void AddCommit(ObjectId id, Action<ObjectName> missing)
    {
        var name = new ObjectName(ObjectKind.Commit, id);
        if (!_reached.Add(name))
            return;
        if (repository.Contains(name))
            AddTree(repository.ReadCommit(id).Tree, missing);
        else
            missing(name);
    }

    /// <summary>Adds a tree with everything below it.</summary>
    public void AddTree(ObjectId root, Action<ObjectName> missing)
    {
        var open = new Stack<(ObjectId Id, int Depth)>([(root, 0)]);
        while (open.TryPop(out var next))
        {
            var name = new ObjectName(ObjectKind.Tree, next.Id);
            if (!_reached.Add(name) || import?.HasMade(next.Id) == true)
                continue;
            if (next.Depth > Tree.MaxDepth)
                throw new CorruptObjectException(name, "is nested too deep");
            if (!repository.Contains(name))
            {
                missing(name);
                continue;
            }
            foreach (var entry in repository.ReadTree(next.Id).Entries)
            {
                if (entry is TreeEntry.Directory directory)
                    open.Push((directory.Id, next.Depth + 1));
                else if (entry is TreeEntry.File file)
                    AddFile(new ObjectName(ObjectKind.File, file.Id), missing);
            }
        }
    }

    private void AddFile(ObjectName file, Action<ObjectName> missing)
    {
        if (_reached.Add(file) && !repository.Contains(file))
            missing(file);
    }
}
