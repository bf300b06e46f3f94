using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Publishing;

/// <summary>Proof that a commit and all it reaches are in the repository. Without it no branch moves.</summary>
internal sealed class CompleteClosure
{
    private const int Named = 3;

    private CompleteClosure(ObjectId commit, bool isComposed) => (Commit, IsComposed) = (commit, isComposed);

    public ObjectId Commit { get; }

    /// <summary>Whether it says of itself that it is made of other branches' commits.</summary>
    public bool IsComposed { get; }

    /// <summary>Walks the commit's trees. The caller holds an object writer: until it ends nothing of it is removed.</summary>
    /// <param name="import">The completed writer of the import that made the commit's tree: what it wrote itself is not looked for again.</param>
    /// <exception cref="IncompleteCommitException">Objects are missing; names some.</exception>
    /// <exception cref="CorruptObjectException">A tree or the commit is damaged, or the tree comes to more than one may have.</exception>
    public static CompleteClosure Check(Repository repository, ObjectId commit, ObjectWriter? import = null)
    {
        var missing = new List<ObjectName>();
        var closure = new RepositoryClosure(repository, import, isKept: true);
        closure.AddCommit(commit, missing.Add);
        if (missing.Count > 0)
            throw new IncompleteCommitException(commit, missing.Count, missing[..Math.Min(Named, missing.Count)]);
        var read = repository.ReadCommit(commit);
        // An import has counted what it read.
        if (import is null)
            new TreeTotals(repository.ReadTree).Of(read.Tree);
        // Of its parts the commit needs a little, and garbage collection keeps them whole.
        foreach (var part in Composition.Of(read)?.Inputs ?? [])
            closure.AddCommit(part.Commit, _ => { });
        return new CompleteClosure(commit, Composition.Of(read) is not null);
    }
}

/// <summary>A commit cannot be published because objects it reaches are not in the repository.</summary>
internal sealed class IncompleteCommitException(ObjectId commit, int count, IReadOnlyList<ObjectName> some)
    : Exception($"commit {commit}: {count} objects are missing, for instance {string.Join(", ", some)}; publish again");
