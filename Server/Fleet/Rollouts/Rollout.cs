using ContentTree.Server.Fleet.Policies;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Fleet.Rollouts;

/// <summary>A commit on its way to the devices of a scope that follow a branch.</summary>
internal sealed record Rollout(
    long Id, PolicyScope Scope, BranchName Branch, ObjectId Commit, long Sequence, ObjectId? Baseline, Plan Plan, string By, string Reason, DateTimeOffset Created)
{
    public required RolloutState State { get; init; }

    /// <summary>The wave that it is at, from 0.</summary>
    public int Wave { get; init; }

    /// <summary>When enough devices were confirmed; the soak runs from then.</summary>
    public DateTimeOffset? Reached { get; init; }

    /// <summary>Failures that a person has seen and let it go on in spite of.</summary>
    public long Forgiven { get; init; }

    /// <summary>Devices that were lost when a person let it go on all the same: no turn is kept for so many.</summary>
    public long Missed { get; init; }

    public DateTimeOffset? Ended { get; init; }

    /// <summary>Why it is not running.</summary>
    public string Note { get; init; } = "";

    /// <summary>Who approved last, and the remark.</summary>
    public string Approved { get; init; } = "";

    public bool IsActive => State is RolloutState.Waiting or RolloutState.Running or RolloutState.Paused;
}
