using ContentTree.Store.Objects;

namespace ContentTree.Store.Deltas.Plans;

/// <summary>A directory of the new commit that the old one has not got. Its id is known once all that it reaches is.</summary>
internal sealed record PlannedTree(Metadata Metadata, IReadOnlyList<PlannedEntry> Entries);
