using ContentTree.Store.Objects;

namespace ContentTree.Deploy.Transfer;

/// <summary>A commit that a signed head has named on a branch, so that this device may run it.</summary>
/// <param name="Commit">The commit.</param>
/// <param name="Branch">The branch; absent for one that the store already had complete.</param>
/// <param name="Sequence">Its position there; 0 if not known.</param>
/// <param name="IsComposed">Only those who may compose have signed that: <see cref="CompositionCheck"/> comes first.</param>
internal sealed record Target(ObjectId Commit, BranchName? Branch, long Sequence, bool IsComposed);
