using ContentTree.Store.Objects;

namespace ContentTree.Store.Protocol;

/// <summary>One position that a branch has had.</summary>
/// <param name="Sequence">Its number.</param>
/// <param name="Commit">What it was at.</param>
/// <param name="Created">When.</param>
/// <param name="Verb">How it came there: publish, promote, revert, create, advance, compose, import or follow; absent when nobody noted it.</param>
/// <param name="By">Who moved it: a user of the server's machine, or "token" and its id.</param>
/// <param name="Reason">Why, in one line.</param>
public sealed record BranchPositionInfo(
    long Sequence, ObjectId Commit, DateTimeOffset Created, string? Verb = null, string? By = null, string? Reason = null);
