using ContentTree.Store.Trust;

namespace ContentTree.Store.Protocol;

/// <summary>A device that keeps commits and was not heard of for long.</summary>
/// <param name="Device">Its id.</param>
/// <param name="Name">As it calls itself.</param>
/// <param name="LastSeen">When it spoke last.</param>
public sealed record SilentDevice(KeyId Device, string Name, DateTimeOffset LastSeen);
