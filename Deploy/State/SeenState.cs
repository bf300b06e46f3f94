using ContentTree.Store.Objects;

namespace ContentTree.Deploy.State;

/// <summary>
/// What was ever accepted; only rises. <c>state/trust/seen.json</c>.
/// </summary>
/// <param name="Floor">The newest moment that signed data has proved: time is never taken to be before it.</param>
/// <param name="Branches">The highest head of each branch.</param>
internal sealed record SeenState(DateTimeOffset Floor, IReadOnlyList<SeenBranch> Branches)
{
    public string Schema { get; init; } = "ctree.seen/1";

    public SeenBranch? Find(BranchName branch) => Branches.FirstOrDefault(b => b.Branch == branch);
}

internal sealed record SeenBranch(BranchName Branch, long Sequence, ObjectId Commit);
