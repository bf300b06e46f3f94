using ContentTree.Store.Objects;

namespace ContentTree.Store.Repositories;

/// <summary>Everything that commits reach in a repository. Each tree is read once, however many commits share it.</summary>
/// <param name="import">A completed import, whose new trees are known to be whole and are not walked again; null walks all.</param>
/// <param name="isKept">Whether the caller publishes what it reaches, and garbage collection is to spare it until his writer ends.</param>
public sealed class RepositoryClosure(Repository repository, ObjectWriter? import = null, bool isKept = false)
{
    private readonly long _freshAfter = isKept ? repository.FreshAfter() : 0;
    private readonly HashSet<ObjectName> _reached = [];

    // Of these only they themselves: what they lead to was not walked.
    private readonly HashSet<ObjectName> _alone = [];

    /// <summary>All objects reached so far.</summary>
    public IReadOnlySet<ObjectName> Reached => _reached;

    /// <summary>Adds a commit and all its trees and files. Parents are not followed: history may have been pruned.</summary>
    /// <param name="missing">Called for each object that is not in the repository.</param>
    /// <exception cref="CorruptObjectException">A commit or tree is damaged.</exception>
    public void AddCommit(ObjectId id, Action<ObjectName> missing)
    {
        var name = new ObjectName(ObjectKind.Commit, id);
        if (!IsNew(name))
            return;
        if (!IsThere(name))
        {
            missing(name);
            return;
        }
        AddTree(repository.ReadCommit(id).Tree, missing);
        AddProof(id, missing);
    }

    /// <summary>Adds a commit alone and, where it is composed, the objects by which a device checks that its parts were released.</summary>
    /// <param name="id">A commit that is in the repository.</param>
    /// <param name="missing">Called for each object that is not in the repository.</param>
    /// <exception cref="CorruptObjectException">It is damaged, or composed of what cannot be.</exception>
    public void AddProof(ObjectId id, Action<ObjectName> missing)
    {
        var name = new ObjectName(ObjectKind.Commit, id);
        AddAlone(name, missing);
        try
        {
            Composition.Of(repository.ReadCommit(id))?.Visit(part => AddAlone(part, missing), Find(ObjectKind.Commit, repository.ReadCommit), Find(ObjectKind.Tree, repository.ReadTree));
        }
        catch (FormatException e)
        {
            throw new CorruptObjectException(name, e.Message);
        }
    }

    private Func<ObjectId, T?> Find<T>(ObjectKind kind, Func<ObjectId, T> read) where T : class =>
        id => repository.Contains(new ObjectName(kind, id)) ? read(id) : null;

    /// <summary>Adds a tree with everything below it.</summary>
    public void AddTree(ObjectId root, Action<ObjectName> missing)
    {
        var open = new Stack<(ObjectId Id, int Depth)>([(root, 0)]);
        while (open.TryPop(out var next))
        {
            var name = new ObjectName(ObjectKind.Tree, next.Id);
            if (!IsNew(name) || import?.HasMade(next.Id) == true)
                continue;
            if (next.Depth > Tree.MaxDepth)
                throw new CorruptObjectException(name, "is nested too deep");
            if (!IsThere(name))
            {
                missing(name);
                continue;
            }
            foreach (var entry in repository.ReadTree(next.Id).Entries)
            {
                if (entry is TreeEntry.Directory directory)
                    open.Push((directory.Id, next.Depth + 1));
                else if (entry is TreeEntry.File file)
                    Add(new ObjectName(ObjectKind.File, file.Id), missing);
            }
        }
    }

    private bool IsNew(ObjectName name) => _reached.Add(name) || _alone.Remove(name);

    private void AddAlone(ObjectName name, Action<ObjectName> missing)
    {
        if (!_reached.Contains(name))
            _alone.Add(name);
        Add(name, missing);
    }

    private void Add(ObjectName name, Action<ObjectName> missing)
    {
        if (_reached.Add(name) && !IsThere(name))
            missing(name);
    }

    private bool IsThere(ObjectName name) => repository.IsKept(name, _freshAfter);
}
