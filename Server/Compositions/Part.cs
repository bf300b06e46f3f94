using ContentTree.Store.Objects;

namespace ContentTree.Server.Compositions;

/// <summary>What stands at a path of a composed tree: a commit, and the head that names it on its branch.</summary>
internal sealed record Part(EntryPath Path, BranchName Branch, long Sequence, ObjectId Id, Commit Commit)
{
    /// <summary>As the composed commit records it.</summary>
    public CompositionInput Input => new(Path, Branch, Sequence, Id);
}
