using ContentTree.Store.Trust;

namespace ContentTree.Store.Protocol;

/// <summary>A device that a rollout has reached.</summary>
/// <param name="Device">Its id.</param>
/// <param name="Name">The name it gave.</param>
/// <param name="Wave">The wave it is in, from 0.</param>
/// <param name="State"><c>offered</c>, <c>confirmed</c> or <c>failed</c>.</param>
/// <param name="Since">Since when.</param>
/// <param name="Reason">What it said of its failure; absent when nothing.</param>
public sealed record RolloutDeviceInfo(KeyId Device, string Name, int Wave, string State, DateTimeOffset Since, string? Reason = null);
