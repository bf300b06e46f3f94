using ContentTree.Store.Objects;

namespace ContentTree.Store.Trust;

/// <summary>The newest head of a branch that was ever accepted here. Kept outside every tree, never rolled back.</summary>
/// <param name="Sequence">Its sequence.</param>
/// <param name="Commit">Its commit.</param>
public sealed record SeenHead(long Sequence, ObjectId Commit);
