using ContentTree.Store.Json;

namespace ContentTree.Store.Trust;

/// <summary>What follows the signatures: a head must not be expired and must not go back.</summary>
public static class HeadPolicy
{
    /// <summary>Compares a head with the newest one seen of the same branch.</summary>
    public static HeadOrder Compare(SeenHead? seen, VerifiedHead head)
    {
        if (seen is null || head.Sequence > seen.Sequence)
            return HeadOrder.Newer;
        if (head.Sequence < seen.Sequence)
            return HeadOrder.Older;
        return head.Commit == seen.Commit ? HeadOrder.Same : HeadOrder.Conflict;
    }

    /// <summary>Whether the device may follow this head. Nothing is to be written before it returns.</summary>
    /// <returns><see cref="HeadOrder.Newer"/> or <see cref="HeadOrder.Same"/>.</returns>
    /// <exception cref="VerificationException">Older, in conflict, or expired.</exception>
    public static HeadOrder Accept(VerifiedHead head, SeenHead? seen, TrustedTime time)
    {
        var what = $"head of {head.Branch}";
        var order = Compare(seen, head);
        if (order == HeadOrder.Older)
        {
            throw new VerificationException(what, VerificationFailure.RolledBack,
                $"sequence {head.Sequence} is lower than {seen!.Sequence}, which was seen before");
        }
        if (order == HeadOrder.Conflict)
        {
            throw new VerificationException(what, VerificationFailure.Conflict,
                $"sequence {head.Sequence} was commit {seen!.Commit}, now {head.Commit}");
        }
        if (time.IsPast(head.Expires))
            throw new VerificationException(what, VerificationFailure.Expired, $"it ended at {UtcSeconds.Format(head.Expires)}");
        return order;
    }
}
