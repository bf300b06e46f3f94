using ContentTree.Server.Storage;

namespace ContentTree.Server.Privacy;

/// <summary>The branches that only some devices may have.</summary>
internal sealed class PrivateBranches(DataDirectory data) : BranchSet(data, "private");
