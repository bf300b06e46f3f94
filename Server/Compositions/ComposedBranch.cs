using ContentTree.Store.Objects;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Compositions;

/// <summary>What became of one composed branch.</summary>
/// <param name="Branch">The branch.</param>
/// <param name="Head">Where it is now; null when it never was anywhere.</param>
/// <param name="IsNew">It has just moved.</param>
/// <param name="IsBehind">Its parts have moved, and it was only looked at.</param>
/// <param name="Refusal">Why it stays where it is though its parts have moved; null when it does not.</param>
internal sealed record ComposedBranch(BranchName Branch, VerifiedHead? Head, bool IsNew = false, bool IsBehind = false, string? Refusal = null);
