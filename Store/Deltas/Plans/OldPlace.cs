namespace ContentTree.Store.Deltas.Plans;

/// <summary>An entry of the old commit: which entry of the root tree, which of the directory that this is, and so on.</summary>
internal readonly record struct OldPlace(IReadOnlyList<int> Indexes);
