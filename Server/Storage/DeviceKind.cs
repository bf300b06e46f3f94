using ContentTree.Store.Protocol;

namespace ContentTree.Server.Storage;

/// <summary>Devices that are the same in everything that decides how they stand.</summary>
/// <param name="Device">One that stands for them, without id, name and events.</param>
/// <param name="IsLow">Their disks are nearly full.</param>
/// <param name="Count">How many there are.</param>
internal sealed record DeviceKind(DeviceInfo Device, bool IsLow, long Count);
