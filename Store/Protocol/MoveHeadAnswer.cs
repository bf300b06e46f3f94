using ContentTree.Store.Objects;

namespace ContentTree.Store.Protocol;

/// <summary>Where the branch is now.</summary>
/// <param name="Sequence">The position.</param>
/// <param name="Commit">The commit.</param>
public sealed record MoveHeadAnswer(long Sequence, ObjectId Commit);
