using ContentTree.Store.Objects;

namespace ContentTree.Server.Simulation;

/// <summary>Where the simulated branch is.</summary>
internal sealed record BranchPositionSeen(ObjectId Commit, long Sequence);
