namespace ContentTree.Server.Fleet.Rollouts;

/// <summary>When a rollout goes on, ends or stops. Pure: what devices said decides, never that time has passed alone.</summary>
internal static class RolloutRules
{
    /// <summary>The rollout as it is to be now; the same when nothing is to happen.</summary>
    /// <param name="rollout">As it is.</param>
    /// <param name="waves">The numbers of every wave.</param>
    /// <param name="now">The time.</param>
    public static Rollout Next(Rollout rollout, IReadOnlyList<RolloutCounts> waves, DateTimeOffset now)
    {
        // What is in the field can still fail while it is paused, and is then to go back.
        if (rollout.State is not (RolloutState.Running or RolloutState.Paused or RolloutState.Waiting))
            return rollout;
        var counts = waves.Take(rollout.Wave + 1).Aggregate(RolloutCounts.None, (sum, wave) => sum + wave);
        if (counts.Failed - rollout.Forgiven >= rollout.Plan.FailuresToStop(counts.Devices))
            return Stop(rollout, counts, now);
        if (rollout.State != RolloutState.Running)
            return rollout;
        if (IsLosing(rollout, counts))
            return rollout with { State = RolloutState.Paused, Note = $"{counts.Lost} of {counts.Devices} devices have said nothing since they were told{(counts.Failed > 0 ? $", {counts.Failed} failed" : "")}" };
        if (!IsReached(rollout.Plan, counts))
            return rollout.Reached is null ? rollout : rollout with { Reached = null };
        if (rollout.Reached is not { } reached)
            return Next(rollout with { Reached = now }, waves, now);
        return now - reached < rollout.Plan.Soak ? rollout : Advance(rollout, now);
    }

    /// <summary>The next wave, or the end.</summary>
    public static Rollout Advance(Rollout rollout, DateTimeOffset now) =>
        rollout.Wave + 1 >= rollout.Plan.Waves.Count ? rollout with { State = RolloutState.Finished, Ended = now, Note = "" }
        : rollout.Plan.AsksForEach ? rollout with { State = RolloutState.Waiting, Wave = rollout.Wave + 1, Reached = null, Note = $"wave {rollout.Wave + 2} waits for approval" }
        : rollout with { State = RolloutState.Running, Wave = rollout.Wave + 1, Reached = null, Note = "" };

    /// <summary>So many must be confirmed before it goes on: somebody in any case.</summary>
    /// <param name="plan">Its plan.</param>
    /// <param name="counts">The waves so far.</param>
    public static long Needed(Plan plan, RolloutCounts counts) => Math.Max(1, ((counts.Devices - counts.Silent) * plan.Success + 99) / 100);

    private static Rollout Stop(Rollout rollout, RolloutCounts counts, DateTimeOffset now)
    {
        var note = $"{counts.Failed} of {counts.Devices} devices failed";
        if (rollout.Plan.Reverts)
            return rollout with { State = RolloutState.Reverted, Ended = now, Note = note };
        return rollout.State != RolloutState.Running ? rollout : rollout with { State = RolloutState.Paused, Note = note };
    }

    // Whoever is silent may have lost its power with its whole site, so that alone sends nobody back: a person is to look. Where the lost ones have all the
    // turns there are, nobody else would ever be told.
    private static bool IsLosing(Rollout rollout, RolloutCounts counts) => counts.Lost - rollout.Missed is > 0 and var lost &&
        (lost + Math.Max(0, counts.Failed - rollout.Forgiven) >= rollout.Plan.FailuresToStop(counts.Devices) || lost >= rollout.Plan.Concurrent);

    // A wave with nobody in it, or all of whose devices are off, says nothing: it waits for one of them, or for a person.
    private static bool IsReached(Plan plan, RolloutCounts counts) => counts.Confirmed >= Needed(plan, counts);
}
