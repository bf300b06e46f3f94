namespace ContentTree.Store.Protocol;

/// <summary>All branches, by name.</summary>
/// <param name="Branches">The branches.</param>
public sealed record BranchList(IReadOnlyList<BranchInfo> Branches);
