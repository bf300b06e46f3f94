namespace ContentTree.Store.Protocol;

/// <summary>Devices that a rollout has reached.</summary>
/// <param name="Devices">By id.</param>
/// <param name="Cursor">Ask with <c>?cursor=</c> for the next page; absent on the last.</param>
public sealed record RolloutDeviceList(IReadOnlyList<RolloutDeviceInfo> Devices, string? Cursor = null);
