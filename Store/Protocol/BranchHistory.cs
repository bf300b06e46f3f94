namespace ContentTree.Store.Protocol;

/// <summary>Where a branch has been.</summary>
/// <param name="Positions">Newest first, also those of heads that never became newest.</param>
/// <param name="Cursor">For older ones; absent where there are none.</param>
public sealed record BranchHistory(IReadOnlyList<BranchPositionInfo> Positions, string? Cursor = null);
