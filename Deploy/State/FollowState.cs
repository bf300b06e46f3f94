using ContentTree.Store.Objects;

namespace ContentTree.Deploy.State;

/// <summary>What the device follows, and what its owner told it to leave alone. <c>state/follow.json</c>.</summary>
/// <param name="Branch">The branch.</param>
/// <param name="Commit">Pinned: this commit of the branch instead of its head.</param>
/// <param name="Skip">Left by a manual rollback: not taken again until the branch has another one.</param>
/// <param name="Hold">No update at all.</param>
internal sealed record FollowState(BranchName Branch, ObjectId? Commit = null, ObjectId? Skip = null, HoldState? Hold = null)
{
    public string Schema { get; init; } = "ctree.follow/1";

    /// <summary>The hold, unless its time is over.</summary>
    public HoldState? HoldAt(DateTimeOffset now) => Hold is { } hold && (hold.Until is null || hold.Until > now) ? hold : null;
}

/// <param name="Until">When it ends by itself; never if absent.</param>
internal sealed record HoldState(DateTimeOffset? Until = null);
