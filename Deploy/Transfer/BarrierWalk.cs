using ContentTree.Deploy.State;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Deploy.Transfer;

/// <summary>
/// Finds the first barrier between what a device runs and what its branch is at, where no server says so: on plain files the archived heads tell
/// where the branch has been. Upwards from the device's own position, so that what lies behind the first barrier costs nothing; a device that takes
/// every publish asks for nothing at all.
/// </summary>
internal sealed class BarrierWalk(Device device, Sources sources)
{
    /// <summary>Positions that one run looks at; the next one goes on behind them.</summary>
    public const int MaxPositions = 10_000;

    // A power cut costs the device so many positions.
    private const int SaveEvery = 500;

    private readonly RepositoryClient _repository = new(sources);
    private readonly TransferCounters _counters = new();

    /// <summary>The barrier that comes before the branch's head; null when there is none, or the device stands nowhere on the branch.</summary>
    /// <exception cref="StoppedException">Too many positions for one run.</exception>
    public async Task<Target?> FindAsync(VerifiedHead head, CancellationToken cancellation)
    {
        if (device.Booted is not { } booted || ObjectId.Parse(booted.Commit) is var running && running == head.Commit)
            return null;
        var own = device.State.Deployments.Deployments.LastOrDefault(d => d.Commit == running && d.Branch == head.Branch)?.Sequence ?? 0;
        // What a person brought from elsewhere stands nowhere: nobody knows what it has been through.
        if (own == 0)
            return null;
        var known = device.State.Barriers;
        var from = known.Branch == head.Branch && known.Running == running ? Math.Max(own, known.Checked) : own;
        var passed = from;
        try
        {
            for (var sequence = from + 1; sequence < head.Sequence; sequence++)
            {
                if (sequence > from + MaxPositions)
                {
                    // Also where none of these numbers was ever used: it has to come to an end.
                    passed = sequence - 1;
                    throw new StoppedException(ExitCode.Partial, $"looked for barriers at {MaxPositions} positions of {head.Branch} since the one that runs here, {head.Sequence - sequence} are left; the next update goes on there, 'ctree switch COMMIT' goes to a commit in between");
                }
                if (await TryReadAsync(head.Branch, sequence, cancellation).ConfigureAwait(false) is not { } point)
                    continue;
                if (await IsBarrierAsync(point.Commit, cancellation).ConfigureAwait(false))
                    return new Target(point.Commit, head.Branch, point.Sequence, point.IsComposed);
                passed = sequence;
                if ((passed - from) % SaveEvery == 0)
                    device.State.Barriers = new BarrierState(head.Branch, running, passed);
            }
            return null;
        }
        finally
        {
            if (passed > from)
                device.State.Barriers = new BarrierState(head.Branch, running, passed);
        }
    }

    // A number that a restored server has left out has no head, and one that dismissed keys have signed is none any more.
    private async Task<VerifiedHead?> TryReadAsync(BranchName branch, long sequence, CancellationToken cancellation)
    {
        try
        {
            var bytes = await _repository.TryGetArchivedHeadAsync(branch, sequence, cancellation).ConfigureAwait(false);
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
        catch (StoppedException e) when (e.Code == ExitCode.NotFound)
        {
            // What garbage collection has removed was no barrier: those it keeps.
            return false;
        }
    }
}
