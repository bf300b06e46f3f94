namespace ContentTree.Store.Protocol;

/// <summary>All deltas that make one commit: the file <c>deltas/(commit).json</c> of a repository.</summary>
/// <param name="Deltas">The deltas, in no particular order.</param>
public sealed record DeltaList(IReadOnlyList<DeltaOffer> Deltas);
