using ContentTree.BootFile;
using ContentTree.Deploy.Deployments;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Booting;

/// <summary>Goes back to the last good deployment by hand. The commit that is left is not taken again until the branch has another.</summary>
internal static class Rollback
{
    /// <returns>The deployment that boots next and the one that was left.</returns>
    /// <exception cref="StoppedException">There is nothing to go back to.</exception>
    public static (DeploymentName To, DeploymentName From) Run(Device device)
    {
        if (device.Boot.Read() is not { } record)
            throw new StoppedException(ExitCode.NothingToSteer, "nothing to roll back: the boot file names no deployment");
        if (IsDone(device, record) is { } already)
            return already;
        if (record.Previous is not { } previous || FinishedDeployment.Find(device.Layout, previous) is not { } target)
            throw new StoppedException(ExitCode.NothingToSteer, $"nothing to roll back to: {record.Wanted} has no confirmed deployment before it");
        var left = FinishedDeployment.Find(device.Layout, record.Wanted);
        if (left is not null)
            device.State.Follow = device.State.Follow with { Skip = left.Commit };
        // Before the switch: run again after it, this would go the other way.
        device.State.Happened(EventKind.RolledBack, left?.Commit, record.Wanted, ExitCode.Done, $"by hand, to {previous}");
        BootSwitch.Good(device, target);
        return (previous, record.Wanted);
    }

    // Said twice before what it chose has run, as after a crash, it is one rollback and not the way forward again.
    private static (DeploymentName, DeploymentName)? IsDone(Device device, BootRecord record) =>
        record.State == BootState.Good && device.Booted is { } booted && booted.Deployment != record.Wanted &&
        device.State.Follow.Skip is { } skip && booted.Commit == skip.ToString()
            ? (record.Wanted, booted.Deployment)
            : null;
}
