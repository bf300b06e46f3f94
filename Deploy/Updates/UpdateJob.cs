using ContentTree.BootFile;
using ContentTree.Deploy.Booting;
using ContentTree.Deploy.Deployments;
using ContentTree.Deploy.Loaders;
using ContentTree.Deploy.Transfer;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Deploy.Updates;

/// <summary>The whole job and its parts: ask, plan, pull, deploy, switch. The caller holds the device's lock.</summary>
internal sealed class UpdateJob(Device device, Sources sources, Progress progress)
{
    private readonly Targets _targets = new(device, sources);

    /// <summary>Asks what the device is to run, and whether that is anything new.</summary>
    public async Task<UpdateOutcome> CheckAsync(CancellationToken cancellation)
    {
        FallbackSettlement.Settle(device);
        Confirmation.Settle(device);
        var target = await _targets.FindAsync(cancellation).ConfigureAwait(false);
        var follow = device.State.Follow;
        if (follow.Skip is not null && follow.Skip != target.Commit)
            device.State.Follow = follow with { Skip = null };
        var wanted = Wanted();
        var action = wanted?.Commit == target.Commit ? UpdateAction.UpToDate
            : follow.Skip == target.Commit ? UpdateAction.Skipped
            : UpdateAction.Available;
        return new UpdateOutcome(action, target, wanted?.Name, device.IsRebootNeeded);
    }

    /// <summary>Asks, and does everything up to the boot file if there is anything new and nobody objects.</summary>
    /// <exception cref="StoppedException">Held, denied, not for this device, no room.</exception>
    public async Task<UpdateOutcome> RunAsync(CancellationToken cancellation)
    {
        var found = await CheckAsync(cancellation).ConfigureAwait(false);
        if (found.Action != UpdateAction.Available)
            return found;
        RequireAutomatic(found.Target);
        new DeviceLoader(device).RequireAnswer();
        var commit = await PullAsync(found.Target, cancellation).ConfigureAwait(false);
        return Deploy(commit, found.Target);
    }

    /// <summary>Asks, and fetches what is new without deploying it.</summary>
    public async Task<UpdateOutcome> DownloadAsync(CancellationToken cancellation)
    {
        var found = await CheckAsync(cancellation).ConfigureAwait(false);
        if (found.Action != UpdateAction.Available)
            return found;
        RequireNotHeld();
        await PullAsync(found.Target, cancellation).ConfigureAwait(false);
        return found with { Action = UpdateAction.Downloaded };
    }

    /// <summary>Brings a commit into the store.</summary>
    public async Task<CompleteCommit> PullAsync(Target target, CancellationToken cancellation)
    {
        if (device.Store.ContainsCommit(target.Commit))
        {
            var present = device.Store.GetComplete(target.Commit);
            Fitness.Require(device, present.Id, present.Commit);
            // It may have come by keys that count for nothing any more.
            if (target.IsComposed)
                await new CompositionCheck(device, sources, new TransferCounters()).RequireAsync(present.Id, present.Commit, cancellation).ConfigureAwait(false);
            return present;
        }
        var pull = new CommitPull(device, sources);
        await using var _ = pull.ConfigureAwait(false);
        await using var record = new FetchedRecord(device, pull.Counters).ConfigureAwait(false);
        var plan = await pull.PlanAsync(target.Commit, isFollowed: true, cancellation).ConfigureAwait(false);
        if (target.IsComposed)
            await new CompositionCheck(device, sources, pull.Counters).RequireAsync(plan.Id, plan.Commit, cancellation).ConfigureAwait(false);
        KernelRoom.Require(device, plan);
        CompleteCommit complete;
        await using (progress.Follow(plan, pull.Counters).ConfigureAwait(false))
            complete = await pull.RunAsync(plan, cancellation).ConfigureAwait(false);
        if (pull.Refusal is { } refusal)
            progress.Say($"the delta was of no use, so objects were fetched: {refusal}");
        return complete;
    }

    /// <summary>Builds the deployment and makes it the one to boot.</summary>
    /// <param name="commit">What to deploy.</param>
    /// <param name="target">Where it comes from.</param>
    /// <param name="again">Also when a deployment of it exists already.</param>
    public UpdateOutcome Deploy(CompleteCommit commit, Target target, bool again = false)
    {
        FallbackSettlement.Settle(device);
        Confirmation.Settle(device);
        var deployment = new DeploymentBuilder(device).Build(commit, target, again);
        // Before the switch: after it nothing is left to do that a second run could find.
        device.State.Happened(EventKind.Updated, commit.Id, deployment.Name);
        BootSwitch.Want(device, deployment);
        TidyUp(deployment);
        return new UpdateOutcome(UpdateAction.Deployed, target, deployment.Name, device.IsRebootNeeded);
    }

    // The switch is done: what cannot be removed now is no reason to call it failed, and is tried again at the next one.
    private void TidyUp(FinishedDeployment made)
    {
        try
        {
            new Retention(device).Collect();
        }
        catch (IOException e)
        {
            device.State.Happened(EventKind.Failed, made.Commit, made.Name, ExitCode.Failed, $"removing what is not needed any more: {e.Message}");
        }
    }

    /// <summary>What release keys have said about a commit that is here already.</summary>
    public static Target Known(Device device, ObjectId commit)
    {
        var branch = device.State.Follow.Branch;
        if (device.Trust.Seen(branch) is { } seen && seen.Commit == commit)
            return new Target(commit, branch, seen.Sequence, IsComposed: false);
        var note = device.State.Deployments.Deployments.LastOrDefault(d => d.Commit == commit);
        return new Target(commit, note?.Branch, note?.Sequence ?? 0, IsComposed: false);
    }

    private void RequireAutomatic(Target target)
    {
        RequireNotHeld();
        Fitness.RequireAllowed(device, target.Commit);
        if (Confirmation.RunningTrial(device) is { } trial)
            throw new StoppedException(ExitCode.Held, $"{trial} is on trial, and only one trial runs at a time: 'ctree confirm' or 'ctree rollback' ends it");
    }

    private void RequireNotHeld()
    {
        if (device.State.Follow.HoldAt(device.Clock.GetUtcNow()) is { } hold)
            throw new StoppedException(ExitCode.Held, $"updates are held{(hold.Until is { } until ? $" until {until:u}" : "")}; 'ctree release' ends it");
        RequireNotAssignedHold();
    }

    private void RequireNotAssignedHold()
    {
        if (device.Trust.Assignment(device.State.Follow.Branch) is { Action: AssignmentAction.Hold } told && device.State.Follow.Commit is null)
            throw new StoppedException(ExitCode.Held, $"the server holds this device's updates until {told.Expires:u}{(told.Reason.Length > 0 ? $": {told.Reason}" : "")}");
    }

    private FinishedDeployment? Wanted() => device.Boot.Read() is { State: not BootState.Fallback } record
        ? FinishedDeployment.Find(device.Layout, record.Wanted)
        : null;
}
