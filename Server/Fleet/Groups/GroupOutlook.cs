namespace ContentTree.Server.Fleet.Groups;

/// <summary>What another filter would make of a group.</summary>
/// <param name="Devices">Devices that it would hold.</param>
/// <param name="Joining">Of those, the ones that are not in it now.</param>
/// <param name="Leaving">Devices that are in it now and would not be.</param>
internal sealed record GroupOutlook(long Devices, long Joining, long Leaving);
