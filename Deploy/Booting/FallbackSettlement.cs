using ContentTree.BootFile;
using ContentTree.Deploy.Deployments;
using ContentTree.Deploy.Health;
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
        var trial = new TrialDiary(device).Of(failed);
        var evidence = new TrialEvidence(device).Of(trial, booted);
        var verdict = FallbackVerdict.Of(failed, trial, evidence, confirmedByPerson: !device.Config.AutoConfirm);
        var commit = CommitOf(device, failed);
        new BlackBox(device).Write(new FailedTrial(record, commit, booted, verdict, evidence));
        if (commit is { } known)
            Judge(device, failed, known, verdict);
        if (FinishedDeployment.Find(device.Layout, booted.Deployment) is { } running)
            Return(device, running, booted);
        new TrialEvidence(device).Forget();
        return failed;
    }

    private static void Judge(Device device, DeploymentName failed, ObjectId commit, FallbackVerdict verdict)
    {
        if (verdict.IsSuspicion)
        {
            Suspicion.Raise(device, commit);
        }
        else
        {
            device.Denials.Add(commit, verdict.Reason, verdict.Text);
            device.State.Last = device.State.Last with { Failed = commit };
        }
        device.State.Happened(EventKind.FellBack, commit, failed, verdict.Code, verdict.Text);
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
}
