namespace ContentTree.Store.Objects;

/// <summary>One part of a composed tree: what a branch had at a sequence, put at a path.</summary>
/// <param name="Path">Where; the root for the base that all others are put onto.</param>
/// <param name="Branch">The part's branch.</param>
/// <param name="Sequence">The head that named the commit there; it proves that the part was released.</param>
/// <param name="Commit">The part's commit.</param>
public sealed record CompositionInput(EntryPath Path, BranchName Branch, long Sequence, ObjectId Commit);
