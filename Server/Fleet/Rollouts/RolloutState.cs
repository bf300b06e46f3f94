namespace ContentTree.Server.Fleet.Rollouts;

/// <summary>Where a rollout is.</summary>
internal enum RolloutState
{
    /// <summary>For somebody's approval.</summary>
    Waiting,

    /// <summary>It reaches devices.</summary>
    Running,

    /// <summary>It reaches no more devices for now.</summary>
    Paused,

    /// <summary>All waves are through.</summary>
    Finished,

    /// <summary>A person ended it: devices that it reached stay where they are, the others too.</summary>
    Aborted,

    /// <summary>All its devices go back to what they ran before.</summary>
    Reverted,
}
