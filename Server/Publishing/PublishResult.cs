using ContentTree.Store.Objects;
using ContentTree.Store.Trees;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Publishing;

/// <summary>What a publish did.</summary>
/// <param name="Commit">The branch's commit now.</param>
/// <param name="Sequence">The branch's position now.</param>
/// <param name="IsNew">False when the branch had this tree already.</param>
/// <param name="Import">What was read.</param>
/// <param name="Objects">Objects that were new to the repository.</param>
/// <param name="Bytes">Their size at rest.</param>
internal sealed record PublishResult(ObjectId Commit, long Sequence, bool IsNew, ImportResult Import, long Objects, long Bytes)
{
    /// <summary>The head that would move the branch, where others are to sign it first.</summary>
    public Envelope? Proposed { get; init; }

    /// <summary>Privileges that are other ones than in the branch's last commit; null when nothing is new.</summary>
    public PrivilegeDiff? Privileges { get; init; }

    /// <summary>What the publisher should know about the new tree.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}
