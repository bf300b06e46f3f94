namespace ContentTree.Server.Fleet.Rollouts;

/// <summary>How far a wave is, or all waves so far.</summary>
/// <param name="Devices">Devices that the rollout decides about.</param>
/// <param name="Offered">Told to update, whatever came of it.</param>
/// <param name="Confirmed">Run it, are healthy, and were heard of since.</param>
/// <param name="Failed">Fell back or could not take it.</param>
/// <param name="Silent">Have said nothing for too long and were never told: they are not waited for.</param>
/// <param name="Lost">Were told, and have said nothing for too long since: perhaps it was the update. They are waited for, and stop it as failed ones do.</param>
internal sealed record RolloutCounts(long Devices, long Offered, long Confirmed, long Failed, long Silent, long Lost = 0)
{
    public static RolloutCounts operator +(RolloutCounts left, RolloutCounts right) => new(
        left.Devices + right.Devices, left.Offered + right.Offered, left.Confirmed + right.Confirmed, left.Failed + right.Failed, left.Silent + right.Silent, left.Lost + right.Lost);

    /// <summary>Told, and nothing came of it yet.</summary>
    public long UnderWay => Math.Max(0, Offered - Confirmed - Failed - Lost);

    public static RolloutCounts None { get; } = new(0, 0, 0, 0, 0);
}
