using ContentTree.Deploy.Booting;
using ContentTree.Deploy.State;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Deploy.Transfer;

/// <summary>
/// Finds the first barrier between what a device runs and what its branch is at, where no server says so: on plain files the archived heads tell
/// where the branch has been. Upwards from the newest position that is known to be the device's own; a device that takes every publish asks for
/// nothing at all. Behind a barrier only heads are read: where one says what runs here, the branch has been taken back, and the device with it.
/// </summary>
internal sealed class BarrierWalk(Device device, Sources sources)
{
    private readonly RepositoryClient _repository = new(sources);
    private readonly TransferCounters _counters = new();

    /// <summary>The barrier that comes before the branch's head; null when there is none, the device stands nowhere on the branch, or a trial runs.</summary>
    /// <exception cref="StoppedException">Too many positions for one run.</exception>
    public async Task<Target?> FindAsync(VerifiedHead head, CancellationToken cancellation)
    {
        if (device.Booted is not { } booted)
            return null;
        var start = Start(head.Branch, ObjectId.Parse(booted.Commit));
        if (start.Running == head.Commit)
        {
            // Where the branch has come back to what runs here, the device stands there, whatever else it was at in between.
            if (head.Sequence > start.Checked)
                device.State.Barriers = new BarrierState(head.Branch, head.Commit, head.Sequence, head.Sequence);
            return null;
        }
        // What a person brought from elsewhere stands nowhere: nobody knows what it has been through. And a trial has a deadline, before which
        // nothing is deployed anyway.
        if (start.Checked == 0 || Confirmation.RunningTrial(device) is not null)
            return null;
        var progress = new BarrierProgress(device, start);
        try
        {
            return await GoAsync(progress, head, cancellation).ConfigureAwait(false);
        }
        finally
        {
            progress.Save();
        }
    }

    private BarrierState Start(BranchName branch, ObjectId running)
    {
        var own = device.State.Deployments.Deployments.LastOrDefault(d => d.Commit == running && d.Branch == branch)?.Sequence ?? 0;
        var known = device.State.Barriers;
        return known.Branch == branch && known.Running == running
            ? known with { Checked = Math.Max(own, known.Checked), Behind = Math.Max(own, known.Behind) }
            : new BarrierState(branch, running, own, own);
    }

    private async Task<Target?> GoAsync(BarrierProgress progress, VerifiedHead head, CancellationToken cancellation)
    {
        for (var sequence = progress.After(progress.Now.Checked); sequence < head.Sequence; sequence = progress.After(sequence))
        {
            progress.Count(sequence, head);
            if (await TryReadAsync(head.Branch, sequence, cancellation).ConfigureAwait(false) is not { } point)
                continue;
            if (point.Commit == progress.Now.Running)
                progress.CameBack(sequence);
            else if (progress.Found is null && await IsBarrierAsync(point.Commit, cancellation).ConfigureAwait(false))
                progress.Stop(new Target(point.Commit, head.Branch, sequence, point.IsComposed));
            else
                progress.Pass(sequence);
        }
        // Numbers that are missing below the newest may only not have been copied to the host yet, unless the newest is in the archive itself.
        if (progress.Last < head.Sequence - 1 && await TryReadAsync(head.Branch, head.Sequence, cancellation).ConfigureAwait(false) is not null)
            progress.Pass(head.Sequence - 1);
        return progress.Found;
    }

    // A number that a restored server has left out has no head, and one that dismissed keys have signed is none any more.
    private async Task<VerifiedHead?> TryReadAsync(BranchName branch, long sequence, CancellationToken cancellation)
    {
        try
        {
            var bytes = await _repository.TryGetArchivedHeadAsync(branch, sequence, cancellation, isUnlikely: true).ConfigureAwait(false);
            return bytes is not null && device.Trust.Root().VerifyHead(bytes, branch) is var point && point.Sequence == sequence ? point : null;
        }
        catch (VerificationException)
        {
            return null;
        }
    }

    private async Task<bool> IsBarrierAsync(ObjectId commit, CancellationToken cancellation)
    {
        if (device.Store.ContainsCommit(commit))
            return device.Store.ReadCommit(commit).Barrier;
        try
        {
            var name = new ObjectName(ObjectKind.Commit, commit);
            return Commit.Decode(await _repository.GetObjectAsync(name, Repository.MaxCommitBytes, _counters, cancellation).ConfigureAwait(false), commit).Barrier;
        }
        catch (StoppedException e) when (e.Code is ExitCode.NotFound or ExitCode.NotAuthorised)
        {
            // What garbage collection has removed was no barrier: those it keeps. Hosts of plain files say "missing" with 403 as well.
            return false;
        }
    }
}
