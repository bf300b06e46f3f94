using ContentTree.Store.Objects;

namespace ContentTree.Store.Protocol;

/// <summary>A commit that garbage collection leaves.</summary>
/// <param name="Commit">Its id.</param>
/// <param name="Because">Why it stays.</param>
/// <param name="ByBranch">Whether a branch alone would keep it.</param>
public sealed record KeptCommit(ObjectId Commit, IReadOnlyList<string> Because, bool ByBranch = false);
