using ContentTree.Store.Trust;

namespace ContentTree.Store.Protocol;

/// <summary>One wave: devices by name, or a share of all.</summary>
/// <param name="Percent">So many in a hundred, counting those of earlier shares; always the same devices, by their ids.</param>
/// <param name="Devices">These.</param>
public sealed record RolloutWave(double? Percent = null, IReadOnlyList<KeyId>? Devices = null);
