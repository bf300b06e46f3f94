namespace ContentTree.Server.Fleet.Rollouts;

/// <summary>A rollout that has not begun, and whom it would reach.</summary>
/// <param name="Rollout">As it would be written down.</param>
/// <param name="Devices">Devices of its scope that it would decide about.</param>
/// <param name="Waves">Of those, how many each wave adds.</param>
/// <param name="Needs">What those of the waves have to fetch.</param>
internal sealed record RolloutOutlook(Rollout Rollout, long Devices, IReadOnlyList<long> Waves, IReadOnlyList<FetchNeed> Needs);
