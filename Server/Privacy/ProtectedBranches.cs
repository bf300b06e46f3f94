using ContentTree.Server.Storage;

namespace ContentTree.Server.Privacy;

/// <summary>The branches that move only to what another branch is at or they have been at, and are not deleted.</summary>
internal sealed class ProtectedBranches(DataDirectory data) : BranchSet(data, "protected");
