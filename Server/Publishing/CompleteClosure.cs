using ContentTree.Server.Compositions;
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
    /// <exception cref="FormatException">It says that it is composed, and does not follow from its parts.</exception>
    public static CompleteClosure Check(Repository repository, ObjectId commit, ObjectWriter? import = null)
    {
        var complete = Check(repository, commit, Begin(repository, import));
        // An import has counted what it read.
        if (import is null)
            new TreeTotals(repository.ReadTree).Of(repository.ReadCommit(commit).Tree);
        return complete;
    }

    /// <summary>A walk that several checks share: what one of them found whole is not looked for again. After one that failed it is of no use.</summary>
    public static RepositoryClosure Begin(Repository repository, ObjectWriter? import = null) => new(repository, import, isKept: true);

    /// <summary>As <see cref="Check(Repository, ObjectId, ObjectWriter?)"/>, for a tree that the caller has counted.</summary>
    public static CompleteClosure Check(Repository repository, ObjectId commit, RepositoryClosure walk)
    {
        var missing = new List<ObjectName>();
        walk.AddCommit(commit, missing.Add);
        if (missing.Count == 0)
        {
            // Of its parts the commit needs a little, and garbage collection keeps them whole.
            foreach (var part in Composition.Of(repository.ReadCommit(commit))?.Inputs ?? [])
                walk.AddCommit(part.Commit, missing.Add);
        }
        if (missing.Count > 0)
            throw new IncompleteCommitException(commit, missing.Count, missing[..Math.Min(Named, missing.Count)]);
        return new CompleteClosure(commit, ComposedCommit.Require(repository, commit));
    }
}

/// <summary>A commit cannot be published because objects it reaches are not in the repository.</summary>
internal sealed class IncompleteCommitException(ObjectId commit, int count, IReadOnlyList<ObjectName> some)
    : Exception($"commit {commit}: {count} objects are missing, for instance {string.Join(", ", some)}; publish again");
