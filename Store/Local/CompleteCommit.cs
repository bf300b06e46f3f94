using ContentTree.Store.Objects;

namespace ContentTree.Store.Local;

/// <summary>
/// Proof that a commit and everything it reaches is in the store. Only <see cref="LocalStore"/> makes one, and nothing
/// less can be deployed.
/// </summary>
public sealed class CompleteCommit
{
    internal CompleteCommit(ObjectId id, Commit commit)
    {
        Id = id;
        Commit = commit;
    }

    public ObjectId Id { get; }

    public Commit Commit { get; }
}
