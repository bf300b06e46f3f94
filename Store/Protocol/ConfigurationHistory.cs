namespace ContentTree.Store.Protocol;

/// <summary>What changed in a scope's values.</summary>
/// <param name="Changes">Newest first.</param>
/// <param name="Cursor">For older ones; absent where there are none.</param>
public sealed record ConfigurationHistory(IReadOnlyList<ConfigurationChangeInfo> Changes, string? Cursor = null);
