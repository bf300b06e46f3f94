using ContentTree.Store.Objects;
using ContentTree.Store.Trust;

namespace ContentTree.Deploy.State;

/// <summary>
/// What was ever accepted; only rises. <c>state/trust/seen.json</c>.
/// </summary>
/// <param name="Floor">A moment that signed data has proved, from before moments were kept by key: time is never taken to be before it.</param>
/// <param name="Branches">The highest head of each branch.</param>
/// <param name="Timestamps">The newest timestamp of each branch by key; null before the first one.</param>
/// <param name="Assignments">The highest assignment by key; null before the first one.</param>
/// <param name="Configurations">The highest configuration by key; null before the first one.</param>
internal sealed record SeenState(
    DateTimeOffset Floor,
    IReadOnlyList<SeenBranch> Branches,
    IReadOnlyList<SeenTimestamp>? Timestamps = null,
    IReadOnlyList<SeenCounter>? Assignments = null,
    IReadOnlyList<SeenCounter>? Configurations = null)
{
    public string Schema { get; init; } = "ctree.seen/1";

    public SeenBranch? Find(BranchName branch) => Branches.FirstOrDefault(b => b.Branch == branch);
}

/// <param name="Branch">The branch.</param>
/// <param name="Sequence">That of its newest accepted head.</param>
/// <param name="Commit">The commit of that head.</param>
/// <param name="Keys">What each release key has helped to prove; null in files of older programs.</param>
internal sealed record SeenBranch(BranchName Branch, long Sequence, ObjectId Commit, IReadOnlyList<SeenKey>? Keys = null);

/// <summary>The newest head of a branch that a key has signed. It counts as long as that key does.</summary>
/// <param name="Key">The release key.</param>
/// <param name="Sequence">The highest sequence it has signed.</param>
/// <param name="Commit">The commit there.</param>
/// <param name="Created">The newest moment it has signed: time is not taken to be before it.</param>
internal sealed record SeenKey(KeyId Key, long Sequence, ObjectId Commit, DateTimeOffset Created);

/// <summary>The newest timestamp of a branch that a key has signed. It counts as long as that key does.</summary>
/// <param name="Branch">The branch.</param>
/// <param name="Key">The timestamp key.</param>
/// <param name="Created">Its moment; an earlier one is refused.</param>
internal sealed record SeenTimestamp(BranchName Branch, KeyId Key, DateTimeOffset Created);

/// <summary>The highest assignment, or configuration, that a key has signed. It counts as long as that key does.</summary>
/// <param name="Key">The fleet key.</param>
/// <param name="Counter">Its counter; a lower one is refused.</param>
internal sealed record SeenCounter(KeyId Key, long Counter);
