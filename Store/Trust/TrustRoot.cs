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
    public static TrustRoot Load(ReadOnlySpan<byte> bytes) => Load(Parse(bytes, "root"), "root");

    /// <summary>
    /// The root that follows this one: its version is one higher, and both this root's and its own root role have signed it (TUF 1.0.33,
    /// 5.3). Its expiry is not looked at: only that of the last root of a chain counts.
    /// </summary>
    /// <exception cref="VerificationException">It does not follow; nothing is trusted that was not before.</exception>
    public TrustRoot Next(ReadOnlySpan<byte> bytes)
    {
        var what = $"root {Version + 1}";
        var envelope = Parse(bytes, what);
        RequireSignatures(_root, Role.Root, envelope, what);
        var next = Load(envelope, what);
        return next.Version == Version + 1
            ? next
            : throw new VerificationException(what, next.Version <= Version ? VerificationFailure.RolledBack : VerificationFailure.Skipped, $"its version is {next.Version}");
    }

    /// <summary>Those of a role's keys that have signed an envelope, whatever it says.</summary>
    /// <exception cref="VerificationException">The root has no such role.</exception>
    public IReadOnlySet<KeyId> SignersOf(Envelope envelope, string role) => SignersOf(_root, role, envelope, role);

    /// <summary>
    /// The only way to a <see cref="VerifiedHead"/>: signed by the release role, or by the composition role on one of its branches, and
    /// about this branch.
    /// </summary>
    /// <remarks>Age and order are the caller's next question: <see cref="HeadPolicy"/>; so is what <see cref="VerifiedHead.IsReleased"/> tells.</remarks>
    /// <exception cref="VerificationException">The envelope was refused; says why.</exception>
    public VerifiedHead VerifyHead(ReadOnlySpan<byte> bytes, BranchName branch)
    {
        var what = $"head of {branch}";
        var envelope = Parse(bytes, what);
        var signer = HeadSigner(envelope, branch);
        if (signer is null)
            RequireSignatures(_root, Role.Release, envelope, what);
        var head = Read<HeadStatement>(envelope, what);
        return head.Branch == branch
            ? new VerifiedHead(head, envelope, isReleased: signer != Role.Composition)
            : throw new VerificationException(what, VerificationFailure.WrongBranch, $"it is about {head.Branch}");
    }

    /// <summary>The role whose keys have signed a head of this branch: release, else composition; null when neither has.</summary>
    public string? HeadSigner(Envelope envelope, BranchName branch) =>
        HasSigned(envelope, Role.Release) ? Role.Release
        : MayCompose(branch) && HasSigned(envelope, Role.Composition) ? Role.Composition
        : null;

    /// <summary>The keys whose signature under a head of a branch counts: those of the release role and, on its branches, of the composition role.</summary>
    public IReadOnlySet<KeyId> HeadKeys(BranchName branch) => HeadRoles(branch).SelectMany(name => _root.Roles[name].KeyIds).ToHashSet();

    /// <summary>Those of them that have signed an envelope, whatever it says.</summary>
    public IReadOnlySet<KeyId> HeadSigners(Envelope envelope, BranchName branch) =>
        HeadRoles(branch).SelectMany(name => SignersOf(_root, name, envelope, name)).ToHashSet();

    private string[] HeadRoles(BranchName branch) => MayCompose(branch) ? [Role.Release, Role.Composition] : [Role.Release];

    /// <summary>Whether the composition role may move a branch.</summary>
    public bool MayCompose(BranchName branch) => _root.Roles.TryGetValue(Role.Composition, out var role) &&
        role.Branches.Any(prefix => branch.ToString().StartsWith(prefix, StringComparison.Ordinal));

    private bool HasSigned(Envelope envelope, string name) =>
        _root.Roles.TryGetValue(name, out var role) && SignersOf(_root, name, envelope, name).Count >= role.Threshold;

    /// <summary>Whether devices are to take no head of a branch without a timestamp of it.</summary>
    public bool AsksForTimestamps => _root.Roles.ContainsKey(Role.Timestamp);

    /// <summary>The only way to a <see cref="VerifiedTimestamp"/>: signed by the timestamp role, and about this branch.</summary>
    /// <remarks>Whether it is fresh and of which head is the caller's next question: <see cref="TimestampPolicy"/>.</remarks>
    /// <exception cref="VerificationException">The envelope was refused; says why.</exception>
    public VerifiedTimestamp VerifyTimestamp(ReadOnlySpan<byte> bytes, BranchName branch)
    {
        var what = $"timestamp of {branch}";
        var envelope = Parse(bytes, what);
        RequireSignatures(_root, Role.Timestamp, envelope, what);
        var timestamp = Read<TimestampStatement>(envelope, what);
        return timestamp.Branch == branch
            ? new VerifiedTimestamp(timestamp, envelope)
            : throw new VerificationException(what, VerificationFailure.WrongBranch, $"it is about {timestamp.Branch}");
    }

    /// <summary>The only way to a <see cref="VerifiedAssignment"/>: signed by the fleet role.</summary>
    /// <remarks>Whose it is, its order and its age are the caller's next question: <see cref="AssignmentPolicy"/>.</remarks>
    /// <exception cref="VerificationException">The envelope was refused; says why.</exception>
    public VerifiedAssignment VerifyAssignment(ReadOnlySpan<byte> bytes)
    {
        const string What = "assignment";
        var envelope = Parse(bytes, What);
        RequireSignatures(_root, Role.Fleet, envelope, What);
        return new VerifiedAssignment(Read<AssignmentStatement>(envelope, What), envelope);
    }

    private static TrustRoot Load(Envelope envelope, string what)
    {
        // The keys come from the bytes themselves, so they must be read before they can be checked.
        var root = Read<RootStatement>(envelope, what);
        RequireSignatures(root, Role.Root, envelope, what);
        return new TrustRoot(root, envelope);
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
        var signers = SignersOf(root, roleName, envelope, what).Count;
        var threshold = root.Roles[roleName].Threshold;
        if (signers < threshold)
            throw new VerificationException(what, VerificationFailure.NotSigned, $"signed by {signers} keys of the {roleName} role, needs {threshold}");
    }

    // Each key counts once: a set of ids, and the root holds one id per key.
    private static HashSet<KeyId> SignersOf(RootStatement root, string roleName, Envelope envelope, string what)
    {
        if (!root.Roles.TryGetValue(roleName, out var role))
            throw new VerificationException(what, VerificationFailure.UnknownRole, $"the root has no {roleName} role");
        var signers = new HashSet<KeyId>();
        foreach (var signature in envelope.Signatures)
        {
            if (role.KeyIds.Contains(signature.KeyId) && root.Keys[signature.KeyId].Verify(envelope.SignedBytes.Span, signature.Der.Span))
                signers.Add(signature.KeyId);
        }
        return signers;
    }
}
