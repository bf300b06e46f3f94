namespace ContentTree.Store.Protocol;

/// <summary>A page of devices, by id.</summary>
/// <param name="Devices">The devices.</param>
/// <param name="Cursor">Ask with <c>?cursor=</c> for the next page; absent on the last.</param>
public sealed record DeviceList(IReadOnlyList<DeviceInfo> Devices, string? Cursor = null);
