using ContentTree.Store.Objects;

namespace ContentTree.Store.Protocol;

/// <summary>Makes a branch, empty or at a commit that the repository has.</summary>
/// <param name="Name">The new branch.</param>
/// <param name="Commit">Where it starts.</param>
/// <param name="Private">Only for devices that are allowed it, and for tokens.</param>
public sealed record BranchRequest(BranchName Name, ObjectId? Commit = null, bool? Private = null);
