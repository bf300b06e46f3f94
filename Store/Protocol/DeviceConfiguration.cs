namespace ContentTree.Store.Protocol;

/// <summary>A device's configuration as it is to be, and how far the device is with it.</summary>
/// <param name="Values">By key, each with its origin.</param>
/// <param name="Told">The counter of the newest configuration that was made for the device; 0 before the first.</param>
/// <param name="Applied">The counter of the one that is in place there; 0 for none.</param>
/// <param name="Pending">The device has yet to put in place what stands here.</param>
/// <param name="AppliedAt">When it was first heard of that one is in place; absent where none is.</param>
public sealed record DeviceConfiguration(IReadOnlyList<ConfigurationValueInfo> Values, long Told, long Applied, bool Pending, DateTimeOffset? AppliedAt = null);
