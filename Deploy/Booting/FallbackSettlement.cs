using System.Globalization;
using System.Text;
using ContentTree.BootFile;
using ContentTree.Deploy.Deployments;
using ContentTree.Deploy.State;
using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Booting;

/// <summary>
/// Draws the conclusion from a fallback, in an order that may be repeated after a crash: what happened is written down, the commit is
/// denied, the event is queued, and last the boot file says that the one that runs is good.
/// </summary>
internal static class FallbackSettlement
{
    /// <summary>The deployment that failed, or null when nothing fell back.</summary>
    public static DeploymentName? Settle(Device device)
    {
        if (device.Boot.Read() is not { State: BootState.Fallback } record || device.Booted is not { } booted ||
            booted.Deployment == record.Wanted || booted.Reason == BootReason.Override)
            return null;
        var failed = record.Wanted;
        WriteBlackBox(device, record, booted);
        if (CommitOf(device, failed) is { } commit)
            Condemn(device, failed, commit, booted);
        if (FinishedDeployment.Find(device.Layout, booted.Deployment) is { } running)
            Return(device, running, booted);
        return failed;
    }

    private static void Condemn(Device device, DeploymentName failed, ObjectId commit, BootedRecord booted)
    {
        device.Denials.Add(commit, Denials.FailedBoot, $"deployment {failed} used up its tries");
        device.State.Last = device.State.Last with { Failed = commit };
        device.State.Happened(EventKind.FellBack, commit, failed, ExitCode.Failed, $"{failed} used up its tries; {booted.Deployment} runs");
    }

    // What was confirmed before is good again; a last resort that was never confirmed starts a trial of its own.
    private static void Return(Device device, FinishedDeployment running, BootedRecord booted)
    {
        if (booted.Reason == BootReason.Previous || BootHistory.IsConfirmed(device, running.Name))
            BootSwitch.Good(device, running);
        else
            BootSwitch.Want(device, running);
    }

    private static ObjectId? CommitOf(Device device, DeploymentName name) =>
        FinishedDeployment.Find(device.Layout, name)?.Commit ?? device.State.Deployments.Find(name)?.Commit;

    private static void WriteBlackBox(Device device, BootRecord record, BootedRecord booted)
    {
        using (var state = Posix.OpenDirectory(device.Layout.State))
            DurableFiles.EnsureDirectory(state, "blackbox"u8, 0x1ed);
        using var box = Posix.OpenDirectory(device.Root.BlackBox);
        var text = string.Create(CultureInfo.InvariantCulture,
            $"time={device.Clock.GetUtcNow():O}\nfailed={record.Wanted}\nprevious={record.Previous}\nlast-resort={record.LastResort}\nsequence={record.Sequence}\n{booted.Format()}");
        DurableFiles.Replace(box, Encoding.ASCII.GetBytes($"{record.Wanted}.txt"), Encoding.UTF8.GetBytes(text));
    }
}
