using ContentTree.Store.Objects;

namespace ContentTree.Store.Trust;

/// <summary>Proof that timestamp keys said what the newest head of a branch was. Only <see cref="TrustRoot.VerifyTimestamp"/> makes one.</summary>
public sealed class VerifiedTimestamp
{
    private readonly TimestampStatement _timestamp;

    internal VerifiedTimestamp(TimestampStatement timestamp, Envelope envelope)
    {
        _timestamp = timestamp;
        Envelope = envelope;
    }

    /// <summary>The timestamp file itself.</summary>
    public Envelope Envelope { get; }

    /// <summary>The branch.</summary>
    public BranchName Branch => _timestamp.Branch;

    /// <summary>The id of the newest head's file.</summary>
    public ObjectId Head => _timestamp.Head;

    /// <summary>The sequence of that head.</summary>
    public long Sequence => _timestamp.Sequence;

    /// <summary>When that was so.</summary>
    public DateTimeOffset Created => _timestamp.Created;

    /// <summary>Until when it may be believed.</summary>
    public DateTimeOffset Expires => _timestamp.Expires;
}
