using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Server.Trust;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet;

/// <summary>
/// Heads that devices have and this server has not, because it was restored from a backup. A device sends the head itself: release keys (or
/// composition keys, then with bounds) have signed it, so no device can make one up and use up the sequence numbers. It is archived, and the next publish goes past it.
/// </summary>
internal sealed class SeenHeads(DataDirectory data, Devices devices, TimeProvider time)
{
    // Composed since the backup, at most.
    private const long MaxLost = 100_000;

    /// <summary>Whether a device that polls is to send the head that it has.</summary>
    public bool IsWanted(KeyId device, PollRequest poll, NewestHead newest)
    {
        if (poll.Head is not { } head || poll.Sequence < 1 || head == ObjectId.Of(newest.Head))
            return false;
        // Its signatures may have been renewed since: then it is asked for once.
        return (data.Repository.Heads.ReadArchived(poll.Branch, poll.Sequence) is not { } archived || ObjectId.Of(archived) != head) && !devices.HasProved(device, head);
    }

    /// <summary>Takes in a head that a device has sent.</summary>
    /// <exception cref="VerificationException">Too few release keys of the present root have signed it; it counts for nothing.</exception>
    public SeenHeadOutcome Take(KeyId device, HeadProof proof)
    {
        var bytes = proof.Head.Bytes;
        devices.MarkProved(device, ObjectId.Of(bytes.Span));
        var head = data.Trust.Load().VerifyHead(bytes.Span, proof.Branch);
        if (!head.IsReleased)
            RequireLost(head);
        if (data.Repository.Heads.Archive(proof.Branch, head.Sequence, bytes.Span))
            return new SeenHeadOutcome.Learnt(head);
        if (new Branches(data, time).ReadArchived(proof.Branch, head.Sequence) is not { } known || known.Commit == head.Commit)
            return new SeenHeadOutcome.Known(head);
        devices.MarkFork(device, head.Sequence);
        return new SeenHeadOutcome.Fork(head, known.Commit);
    }

    // Whoever has the composition key, and it is no release key, could use up all numbers, or name what a branch never was at.
    private void RequireLost(VerifiedHead head)
    {
        var newest = new Branches(data, time).Read(head.Branch).Head?.Sequence ?? 0;
        if (head.Sequence > newest + MaxLost || data.Repository.Contains(new ObjectName(ObjectKind.Commit, head.Commit)))
            throw new VerificationException($"head of {head.Branch}", VerificationFailure.NotSigned, "only composition or developer keys have signed it, and it is none that a backup can have lost");
    }
}
