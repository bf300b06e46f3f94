using ContentTree.Store.Objects;

namespace ContentTree.Server.Fleet.Policies;

/// <summary>A position of a branch that keys which still count have signed.</summary>
internal sealed record BranchPoint(long Sequence, ObjectId Commit);
