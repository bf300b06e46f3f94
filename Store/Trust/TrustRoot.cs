using ContentTree.Store.Objects;

namespace ContentTree.Store.Trust;

/// <summary>A root statement that its own root role has signed: the one place that turns envelopes into proofs.</summary>
public sealed class TrustRoot
{
    private readonly RootStatement _root;
    private readonly Predicate<PublicKey> _isDeveloper;

    private TrustRoot(RootStatement root, Envelope envelope, Predicate<PublicKey> isDeveloper)
    {
        _root = root;
        _isDeveloper = isDeveloper;
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
    /// The same root, for those who count developer keys: only those that the root names as such and this lets pass, only under heads of branches below
    /// <see cref="Role.DeveloperBranches"/>. A root as it is loaded counts none.
    /// </summary>
    public TrustRoot WithDevelopers(Predicate<PublicKey> isAccepted) => new(_root, Envelope, isAccepted);

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
            ? next.WithDevelopers(_isDeveloper)
            : throw new VerificationException(what, next.Version <= Version ? VerificationFailure.RolledBack : VerificationFailure.Skipped, $"its version is {next.Version}");
    }

    /// <summary>Those of a role's keys that have signed an envelope, whatever it says.</summary>
    /// <exception cref="VerificationException">The root has no such role.</exception>
    public IReadOnlySet<KeyId> SignersOf(Envelope envelope, string role) => SignersOf(_root, role, envelope, role);

    /// <summary>
    /// The only way to a <see cref="VerifiedHead"/>: signed by the release role, or by the composition or developer role on one of its branches, and
    /// about this branch.
    /// </summary>
    /// <remarks>Age and order are the caller's next question: <see cref="HeadPolicy"/>; so is what <see cref="VerifiedHead.IsComposed"/> tells.</remarks>
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
            ? new VerifiedHead(head, envelope, signer ?? Role.Release)
            : throw new VerificationException(what, VerificationFailure.WrongBranch, $"it is about {head.Branch}");
    }

    /// <summary>The role whose keys have signed a head of this branch: release, else composition, else developer; null when none has.</summary>
    public string? HeadSigner(Envelope envelope, BranchName branch) =>
        HeadRoles(branch).FirstOrDefault(name => _root.Roles.TryGetValue(name, out var role) && HeadSigners(envelope, name).Count >= role.Threshold);

    /// <summary>The keys whose signature under a head of a branch counts: those of the release role and, on their branches, of the composition and developer roles.</summary>
    public IReadOnlySet<KeyId> HeadKeys(BranchName branch) => HeadRoles(branch).SelectMany(name => _root.Roles[name].KeyIds.Where(id => Counts(name, id))).ToHashSet();

    /// <summary>Those of them that have signed an envelope, whatever it says.</summary>
    public IReadOnlySet<KeyId> HeadSigners(Envelope envelope, BranchName branch) => HeadRoles(branch).SelectMany(name => HeadSigners(envelope, name)).ToHashSet();

    private HashSet<KeyId> HeadSigners(Envelope envelope, string name)
    {
        var signers = SignersOf(_root, name, envelope, name);
        signers.RemoveWhere(id => !Counts(name, id));
        return signers;
    }

    private bool Counts(string role, KeyId id) => role != Role.Developer || _isDeveloper(_root.Keys[id]);

    private List<string> HeadRoles(BranchName branch)
    {
        List<string> roles = [Role.Release];
        if (MayCompose(branch))
            roles.Add(Role.Composition);
        if (MayDevelop(branch))
            roles.Add(Role.Developer);
        return roles;
    }

    /// <summary>Whether the developer role may move a branch.</summary>
    public bool MayDevelop(BranchName branch) =>
        _root.Roles.ContainsKey(Role.Developer) && branch.ToString().StartsWith(Role.DeveloperBranches, StringComparison.Ordinal);

    /// <summary>Whether the composition role may move a branch.</summary>
    public bool MayCompose(BranchName branch) => _root.Roles.TryGetValue(Role.Composition, out var role) &&
        role.Branches.Any(prefix => branch.ToString().StartsWith(prefix, StringComparison.Ordinal));

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

    /// <summary>The only way to a <see cref="VerifiedConfiguration"/>: signed by the fleet role.</summary>
    /// <remarks>Whose it is, its order and its age are the caller's next question: <see cref="ConfigurationPolicy"/>.</remarks>
    /// <exception cref="VerificationException">The envelope was refused; says why.</exception>
    public VerifiedConfiguration VerifyConfiguration(ReadOnlySpan<byte> bytes)
    {
        const string What = "configuration";
        var envelope = Parse(bytes, What);
        RequireSignatures(_root, Role.Fleet, envelope, What);
        return new VerifiedConfiguration(Read<ConfigurationStatement>(envelope, What), envelope);
    }

    private static TrustRoot Load(Envelope envelope, string what)
    {
        // The keys come from the bytes themselves, so they must be read before they can be checked.
        var root = Read<RootStatement>(envelope, what);
        RequireSignatures(root, Role.Root, envelope, what);
        return new TrustRoot(root, envelope, _ => false);
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
