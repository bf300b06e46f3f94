using ContentTree.Store.Objects;

namespace ContentTree.Store.Trust;

/// <summary>A root statement that its own root role has signed: the one place that turns envelopes into proofs.</summary>
public sealed class TrustRoot
{
    private readonly RootStatement _root;

    private TrustRoot(RootStatement root, Envelope envelope)
    {
        _root = root;
        Envelope = envelope;
    }

    /// <summary>The root file itself.</summary>
    public Envelope Envelope { get; }

    /// <summary>From 1; a device remembers the highest it has trusted.</summary>
    public long Version => _root.Version;

    /// <summary>When the root ends.</summary>
    public DateTimeOffset Expires => _root.Expires;

    /// <summary>Roles by name.</summary>
    public IReadOnlyDictionary<string, Role> Roles => _root.Roles;

    /// <summary>Keys by id.</summary>
    public IReadOnlyDictionary<KeyId, PublicKey> Keys => _root.Keys;

    /// <summary>The SHA-256 of the signed bytes, 64 hex digits: what a person compares before trusting a root on first use.</summary>
    public string Fingerprint => ObjectId.Of(Envelope.SignedBytes.Span).ToString();

    /// <summary>Reads a root that the caller has reason to trust: from the image, or confirmed by its fingerprint.</summary>
    /// <exception cref="VerificationException">Not a root, or not signed by its own root role.</exception>
    public static TrustRoot Load(ReadOnlySpan<byte> bytes)
    {
        const string what = "root";
        var envelope = Parse(bytes, what);
        // The keys come from the bytes themselves, so they must be read before they can be checked.
        var root = Read<RootStatement>(envelope, what);
        RequireSignatures(root, Role.Root, envelope, what);
        return new TrustRoot(root, envelope);
    }

    /// <summary>The only way to a <see cref="VerifiedHead"/>: signed by the release role, and about this branch.</summary>
    /// <remarks>Age and order are the caller's next question: <see cref="HeadPolicy"/>.</remarks>
    /// <exception cref="VerificationException">The envelope was refused; says why.</exception>
    public VerifiedHead VerifyHead(ReadOnlySpan<byte> bytes, BranchName branch)
    {
        var what = $"head of {branch}";
        var envelope = Parse(bytes, what);
        RequireSignatures(_root, Role.Release, envelope, what);
        var head = Read<HeadStatement>(envelope, what);
        return head.Branch == branch
            ? new VerifiedHead(head, envelope)
            : throw new VerificationException(what, VerificationFailure.WrongBranch, $"it is about {head.Branch}");
    }

    private static Envelope Parse(ReadOnlySpan<byte> bytes, string what)
    {
        try
        {
            return Envelope.Decode(bytes.ToArray());
        }
        catch (FormatException e)
        {
            throw new VerificationException(what, VerificationFailure.Malformed, e.Message);
        }
    }

    private static T Read<T>(Envelope envelope, string what) where T : Statement
    {
        try
        {
            var statement = Statement.Decode(envelope.Payload);
            return statement as T
                ?? throw new VerificationException(what, VerificationFailure.WrongKind, $"it is a {statement.Kind} statement");
        }
        catch (FormatException e)
        {
            throw new VerificationException(what, VerificationFailure.Malformed, e.Message);
        }
    }

    private static void RequireSignatures(RootStatement root, string roleName, Envelope envelope, string what)
    {
        if (!root.Roles.TryGetValue(roleName, out var role))
            throw new VerificationException(what, VerificationFailure.UnknownRole, $"the root has no {roleName} role");
        // Each key counts once: a set of ids, and the root holds one id per key.
        var signers = new HashSet<KeyId>();
        foreach (var signature in envelope.Signatures)
        {
            if (role.KeyIds.Contains(signature.KeyId) && root.Keys[signature.KeyId].Verify(envelope.SignedBytes.Span, signature.Der.Span))
                signers.Add(signature.KeyId);
        }
        if (signers.Count < role.Threshold)
        {
            throw new VerificationException(what, VerificationFailure.NotSigned,
                $"signed by {signers.Count} keys of the {roleName} role, needs {role.Threshold}");
        }
    }
}
