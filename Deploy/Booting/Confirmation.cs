using ContentTree.BootFile;
using ContentTree.Deploy.Deployments;
using ContentTree.Store;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Booting;

/// <summary>Ends a trial: the deployment that runs is the wanted one, and it is good.</summary>
internal static class Confirmation
{
    private const string RuntimeDirectory = "/run/ctree";

    /// <summary>The trial that runs now, or null: nothing to confirm.</summary>
    public static DeploymentName? RunningTrial(Device device) =>
        device.Boot.Read() is { State: BootState.Trial } record && device.Booted is { } booted &&
        booted.Deployment == record.Wanted && booted.Reason != BootReason.Override
            ? record.Wanted
            : null;

    /// <param name="remark">What is not as it should be, though it is good enough.</param>
    /// <exception cref="StoppedException">No trial is running.</exception>
    public static DeploymentName Confirm(Device device, string? remark = null)
    {
        if (RunningTrial(device) is not { } name)
            return Settle(device) ?? throw new StoppedException(ExitCode.NothingToSteer, Why(device));
        var deployment = FinishedDeployment.Find(device.Layout, name)
            ?? throw new StoppedException(ExitCode.VerificationFailed, $"{name} runs, but its marker is gone; 'ctree verify' says more");
        // First, for it fits on a full disk: a trial must not end in a fallback because there is no room to write about it.
        BootSwitch.WriteGood(device, deployment);
        Settle(device, remark);
        Announce(device, name);
        return name;
    }

    /// <summary>Writes down a confirmation of which only the boot file knows yet. May be repeated after a crash.</summary>
    /// <param name="device">The device.</param>
    /// <param name="remark">What is not as it should be, though it is good enough.</param>
    /// <returns>What was confirmed; null when that was written down already.</returns>
    public static DeploymentName? Settle(Device device, string? remark = null)
    {
        if (device.Boot.Read() is not { State: BootState.Good } record || device.State.Deployments.Find(record.Wanted) is not { Confirmed: false } note)
            return null;
        device.State.Happened(EventKind.Confirmed, note.Commit, note.Name, ExitCode.Done, remark);
        BootSwitch.Note(device, note.Name);
        return note.Name;
    }

    private static string Why(Device device) => (device.Boot.Read(), device.Booted) switch
    {
        (null, _) => "nothing to confirm: the boot file names no deployment; 'ctree update' makes the first one",
        ({ State: BootState.Good } record, _) => $"nothing to confirm: {record.Wanted} is good already",
        ({ } record, null) => $"nothing to confirm: {record.Wanted} has not been booted yet",
        ({ } record, { } booted) => $"nothing to confirm: {booted.Deployment} runs, and {record.Wanted} is on trial",
    };

    // Other services wait for this file; below --root there are none.
    private static void Announce(Device device, DeploymentName name)
    {
        if (device.Root.IsGiven || !Directory.Exists(RuntimeDirectory))
            return;
        using var run = Posix.OpenDirectory(RuntimeDirectory);
        DurableFiles.Replace(run, "confirmed"u8, System.Text.Encoding.ASCII.GetBytes($"{name}\n"));
    }
}
