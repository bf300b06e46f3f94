namespace ContentTree.Store.Protocol;

/// <summary>What would change for devices; nothing has.</summary>
/// <param name="Devices">Devices in the scope.</param>
/// <param name="Changes">What they should run now and then, for those for which it is another commit.</param>
public sealed record PolicyPreview(long Devices, IReadOnlyList<PolicyChange> Changes);
