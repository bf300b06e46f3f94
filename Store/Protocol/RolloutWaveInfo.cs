namespace ContentTree.Store.Protocol;

/// <summary>How far a wave is.</summary>
/// <param name="Devices">Devices in it that the rollout decides about.</param>
/// <param name="Offered">Of these, those that were told to update.</param>
/// <param name="Confirmed">Those that run it and are healthy.</param>
/// <param name="Failed">Those that fell back from it or could not take it.</param>
/// <param name="Silent">Those that have said nothing for too long, were never told, and are not waited for.</param>
/// <param name="Lost">Those that were told and have said nothing for too long since; they count as failed ones do.</param>
public sealed record RolloutWaveInfo(long Devices, long Offered, long Confirmed, long Failed, long Silent, long Lost = 0);
