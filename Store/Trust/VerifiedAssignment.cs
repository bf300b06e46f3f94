using ContentTree.Store.Objects;

namespace ContentTree.Store.Trust;

/// <summary>Proof that fleet keys signed this assignment. Only <see cref="TrustRoot.VerifyAssignment"/> makes one.</summary>
public sealed class VerifiedAssignment
{
    private readonly AssignmentStatement _assignment;

    internal VerifiedAssignment(AssignmentStatement assignment, Envelope envelope)
    {
        _assignment = assignment;
        Envelope = envelope;
    }

    /// <summary>The assignment file itself.</summary>
    public Envelope Envelope { get; }

    /// <summary>The device that it is for.</summary>
    public KeyId Device => _assignment.Device;

    /// <summary>The branch on which it counts.</summary>
    public BranchName Branch => _assignment.Branch;

    /// <summary>Of one device it only ever rises.</summary>
    public long Counter => _assignment.Counter;

    /// <summary>What the device is to do.</summary>
    public AssignmentAction Action => _assignment.Action;

    /// <summary>The commit of a pin, else null.</summary>
    public ObjectId? Commit => _assignment.Commit;

    /// <summary>The sequence of a head that has named it, else 0.</summary>
    public long Sequence => _assignment.Sequence;

    /// <summary>Why.</summary>
    public string Reason => _assignment.Reason;

    /// <summary>When it was made.</summary>
    public DateTimeOffset Created => _assignment.Created;

    /// <summary>When it ends.</summary>
    public DateTimeOffset Expires => _assignment.Expires;
}
