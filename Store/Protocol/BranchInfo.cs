using ContentTree.Store.Objects;

namespace ContentTree.Store.Protocol;

/// <summary>A branch and where it is.</summary>
/// <param name="Name">The branch.</param>
/// <param name="Sequence">Its position; 0 before the first publish.</param>
/// <param name="Commit">The commit it is at.</param>
/// <param name="Version">That commit's version.</param>
/// <param name="Created">When the head was published.</param>
/// <param name="Private">Only for devices that were allowed it, and for tokens; absent when it is everybody's.</param>
/// <param name="Protected">It goes only to what another branch is at, or back; absent when it goes anywhere.</param>
public sealed record BranchInfo(
    BranchName Name, long Sequence, ObjectId? Commit = null, string? Version = null, DateTimeOffset? Created = null, bool? Private = null,
    bool? Protected = null);
