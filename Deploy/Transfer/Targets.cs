using ContentTree.Deploy.State;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Deploy.Transfer;

/// <summary>Finds what the device is to run, and the signed proof that it may.</summary>
internal sealed class Targets(Device device, Sources sources)
{
    private const int MaxHeadsSearched = 10_000;

    private readonly HeadSource _heads = new(device, sources);
    private readonly RepositoryClient _repository = new(sources);

    /// <summary>The commit that it is pinned to here, else the one its server has assigned, else the branch's head, or the barrier before it.</summary>
    public Task<Target> FindAsync(CancellationToken cancellation) => FindAsync(device.State.Follow, cancellation);

    /// <summary>What it would be to run if it followed that.</summary>
    public async Task<Target> FindAsync(FollowState follow, CancellationToken cancellation)
    {
        var head = await _heads.PollAsync(follow.Branch, cancellation).ConfigureAwait(false);
        if (follow.Commit is { } pinned)
            return await ProveAsync(pinned, head, cancellation).ConfigureAwait(false);
        if (device.Trust.Assignment(follow.Branch) is { Commit: { } assigned } assignment)
            return await ProveAsync(assigned, assignment.Sequence, head, cancellation).ConfigureAwait(false);
        var barrier = _heads.IsDecidedThere ? null : await new BarrierWalk(device, sources).FindAsync(head, cancellation).ConfigureAwait(false);
        return barrier ?? new Target(head.Commit, head.Branch, head.Sequence, head.IsComposed);
    }

    /// <summary>Any commit of the followed branch.</summary>
    /// <exception cref="StoppedException">No head of the branch ever named it.</exception>
    public async Task<Target> FindAsync(ObjectId commit, CancellationToken cancellation)
    {
        var head = await _heads.PollAsync(device.State.Follow.Branch, cancellation).ConfigureAwait(false);
        return await ProveAsync(commit, head, cancellation).ConfigureAwait(false);
    }

    // The fleet key chooses among what release keys have signed, and gives no right to anything else.
    private async Task<Target> ProveAsync(ObjectId commit, long sequence, VerifiedHead head, CancellationToken cancellation)
    {
        if (head.Commit == commit)
            return new Target(commit, head.Branch, head.Sequence, head.IsComposed);
        var bytes = await _repository.TryGetFileAsync(Routes.ArchivedHead(head.Branch, sequence), Envelope.MaxBytes, cancellation).ConfigureAwait(false);
        return bytes is not null && TryVerify(device.Trust.Root(), bytes, head.Branch) is { } old && old.Commit == commit
            ? new Target(commit, old.Branch, old.Sequence, old.IsComposed)
            : throw new VerificationException($"assignment to {commit}", VerificationFailure.Unpublished, $"no head of {head.Branch} with sequence {sequence} names it that keys which are still trusted have signed");
    }

    // Every head that ever was is in the archive, signed; going back from the newest finds what a pin names.
    private async Task<Target> ProveAsync(ObjectId commit, VerifiedHead head, CancellationToken cancellation)
    {
        if (head.Commit == commit)
            return new Target(commit, head.Branch, head.Sequence, head.IsComposed);
        if (device.State.Deployments.Deployments.LastOrDefault(d => d.Commit == commit && d.Branch == head.Branch) is { } known)
            // It ran here: whatever had to be proved was proved then.
            return new Target(commit, known.Branch, known.Sequence, IsComposed: false);
        var root = device.Trust.Root();
        for (var sequence = head.Sequence - 1; sequence > 0 && sequence > head.Sequence - MaxHeadsSearched; sequence--)
        {
            var bytes = await _repository.TryGetFileAsync(Routes.ArchivedHead(head.Branch, sequence), Envelope.MaxBytes, cancellation).ConfigureAwait(false);
            if (bytes is not null && TryVerify(root, bytes, head.Branch) is { } old && old.Commit == commit)
                return new Target(commit, old.Branch, old.Sequence, old.IsComposed);
        }
        throw new StoppedException(ExitCode.NotFound, $"commit {commit} was never published on branch {head.Branch} by keys that are still trusted; 'ctree switch BRANCH' follows another one");
    }

    // Signed by keys that have been dismissed since, a head proves nothing any more; one before it may.
    private static VerifiedHead? TryVerify(TrustRoot root, byte[] bytes, BranchName branch)
    {
        try
        {
            return root.VerifyHead(bytes, branch);
        }
        catch (VerificationException)
        {
            return null;
        }
    }
}
