using ContentTree.BootFile;
using ContentTree.Deploy.Transfer;

namespace ContentTree.Deploy.Updates;

/// <summary>How an update ended when nothing went wrong.</summary>
/// <param name="Action">What was done.</param>
/// <param name="Target">What the device is to run.</param>
/// <param name="Deployment">The deployment that boots next, if there is one.</param>
/// <param name="RebootNeeded">Another deployment runs now.</param>
internal sealed record UpdateOutcome(UpdateAction Action, Target Target, DeploymentName? Deployment, bool RebootNeeded);

internal enum UpdateAction
{
    /// <summary>The device runs, or will boot, what it is to run.</summary>
    UpToDate,

    /// <summary>The branch is still at the commit that a rollback left.</summary>
    Skipped,

    /// <summary>There is something new.</summary>
    Available,

    /// <summary>It is in the store, not deployed.</summary>
    Downloaded,

    /// <summary>It will boot next.</summary>
    Deployed,
}
