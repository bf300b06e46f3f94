using ContentTree.Store.Objects;

namespace ContentTree.Store.Repositories;

/// <summary>
/// Marks what commits reach: their trees and files and, of composed ones, the parts, which prove them, with all that those reach. A commit that
/// has a mark was walked, so each is read once, however many name it.
/// </summary>
/// <param name="isStrict">Throw at what is missing or damaged; else go round it.</param>
internal sealed class ReachMarking(Repository repository, ObjectMarks marks, bool isStrict)
{
    /// <exception cref="CorruptObjectException">Strict: something is damaged or missing.</exception>
    public void Add(IEnumerable<ObjectId> commits)
    {
        var open = new Stack<ObjectId>(commits);
        while (open.TryPop(out var id))
        {
            var name = new ObjectName(ObjectKind.Commit, id);
            if (!IsNew(name) || Read(name, repository.ReadCommit) is not { } commit)
                continue;
            AddTree(commit.Tree);
            foreach (var part in Read(name, _ => Composition.Of(commit))?.Inputs ?? [])
                open.Push(part.Commit);
        }
    }

    private void AddTree(ObjectId root)
    {
        var open = new Stack<(ObjectId Id, int Depth)>([(root, 0)]);
        while (open.TryPop(out var next))
        {
            var name = new ObjectName(ObjectKind.Tree, next.Id);
            if (!IsNew(name) || IsTooDeep(name, next.Depth) || Read(name, repository.ReadTree) is not { } tree)
                continue;
            foreach (var entry in tree.Entries)
            {
                if (entry is TreeEntry.Directory directory)
                    open.Push((directory.Id, next.Depth + 1));
                else if (entry is TreeEntry.File file)
                    marks.TryMark(new ObjectName(ObjectKind.File, file.Id));
            }
        }
    }

    private bool IsNew(ObjectName name) => marks.TryMark(name) ?? GoRound(name, "is missing; run 'ctree-server fsck' before 'gc'");

    private bool IsTooDeep(ObjectName name, int depth) => depth > Tree.MaxDepth && !GoRound(name, "is nested too deep");

    // A missing tree hides what it reached; removing on half the knowledge could destroy what a repair needs.
    private bool GoRound(ObjectName name, string reason) => isStrict ? throw new CorruptObjectException(name, reason) : false;

    private T? Read<T>(ObjectName name, Func<ObjectId, T?> read) where T : class
    {
        try
        {
            return read(name.Id);
        }
        catch (FormatException e) when (isStrict)
        {
            throw new CorruptObjectException(name, e.Message);
        }
        catch (Exception e) when (!isStrict && e is CorruptObjectException or ObjectNotFoundException or FormatException)
        {
            return null;
        }
    }
}
