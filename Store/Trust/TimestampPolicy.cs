using ContentTree.Store.Json;

namespace ContentTree.Store.Trust;

/// <summary>What follows a timestamp's signatures: it must not go back, must not be over, and must name the head that came with it.</summary>
public static class TimestampPolicy
{
    /// <param name="timestamp">What came.</param>
    /// <param name="head">The head that came with it.</param>
    /// <param name="seen">The newest moment that a timestamp of this branch has named here; null if there was none.</param>
    /// <param name="time">Now.</param>
    /// <exception cref="VerificationException">The head is not proved to be the newest.</exception>
    public static void Require(VerifiedTimestamp timestamp, VerifiedHead head, DateTimeOffset? seen, TrustedTime time)
    {
        var what = $"timestamp of {timestamp.Branch}";
        if (timestamp.Created < seen)
        {
            throw new VerificationException(what, VerificationFailure.RolledBack,
                $"it was made at {UtcSeconds.Format(timestamp.Created)}, before the one of {UtcSeconds.Format(seen.Value)}, which was seen before");
        }
        if (time.IsPast(timestamp.Expires))
        {
            throw new VerificationException(what, VerificationFailure.Expired,
                $"it ended at {UtcSeconds.Format(timestamp.Expires)} and it is {UtcSeconds.Format(time.Now)} here, so nobody vouches that sequence {timestamp.Sequence} is still the newest");
        }
        if (timestamp.Head != head.Id || timestamp.Sequence != head.Sequence)
        {
            throw new VerificationException(what, VerificationFailure.OtherHead,
                $"it names another head (sequence {timestamp.Sequence}) than the one that came with it (sequence {head.Sequence})");
        }
    }
}
