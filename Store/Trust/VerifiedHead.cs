using ContentTree.Store.Objects;

namespace ContentTree.Store.Trust;

/// <summary>Proof that release keys, or those of the composition or the developer role, signed this head of this branch. Only <see cref="TrustRoot.VerifyHead"/> makes one.</summary>
public sealed class VerifiedHead
{
    private readonly HeadStatement _head;

    private readonly string _signer;

    internal VerifiedHead(HeadStatement head, Envelope envelope, string signer)
    {
        _head = head;
        _signer = signer;
        Envelope = envelope;
    }

    /// <summary>The head file itself, to be stored or passed on.</summary>
    public Envelope Envelope { get; }

    /// <summary>Whether release keys have signed it.</summary>
    public bool IsReleased => _signer == Role.Release;

    /// <summary>
    /// Whether only composition keys have: then whoever installs its commit checks first that it is composed of released parts
    /// (<see cref="Composition"/>).
    /// </summary>
    public bool IsComposed => _signer == Role.Composition;

    /// <summary>Whether only developer keys have, which this device or server was told to count.</summary>
    public bool IsDeveloped => _signer == Role.Developer;

    /// <summary>The SHA-256 of the head file.</summary>
    public ObjectId Id => Envelope.Id;

    /// <summary>The branch.</summary>
    public BranchName Branch => _head.Branch;

    /// <summary>The commit the branch is at.</summary>
    public ObjectId Commit => _head.Commit;

    /// <summary>The position on the branch.</summary>
    public long Sequence => _head.Sequence;

    /// <summary>When it was published.</summary>
    public DateTimeOffset Created => _head.Created;

    /// <summary>When it ends.</summary>
    public DateTimeOffset Expires => _head.Expires;

    /// <summary>What a device remembers of it.</summary>
    public SeenHead ToSeen() => new(Sequence, Commit);
}
