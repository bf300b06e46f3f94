using ContentTree.Store.Objects;

namespace ContentTree.Store.Deltas.Plans;

/// <summary>
/// What a delta makes: the new commit, its new directories and the contents they need, and which part rebuilds which content.
/// </summary>
/// <param name="EncodedCommit">The new commit's canonical bytes.</param>
/// <param name="Commit">What they say.</param>
/// <param name="Trees">New directories, parents first; none when the new commit has the old root tree.</param>
/// <param name="Contents">Contents to rebuild, in order of appearance in the trees.</param>
/// <param name="Parts">What each part holds, in the order of decoding.</param>
internal sealed record DeltaPlan(
    byte[] EncodedCommit, Commit Commit, IReadOnlyList<PlannedTree> Trees, IReadOnlyList<PlannedContent> Contents, IReadOnlyList<IReadOnlyList<PartItem>> Parts);
