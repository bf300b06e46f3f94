using System.Text;
using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Trust;

namespace ContentTree.Deploy.State;

/// <summary>The device's trusted metadata, <c>state/trust/</c>: the root, the newest head of each branch, the highest ever seen.</summary>
internal sealed class TrustState(DeviceRoot root, TimeProvider clock)
{
    private static readonly DateTimeOffset Never = DateTimeOffset.UnixEpoch;

    private readonly StateFile<SeenState> _seen = new(root.Trust, "seen.json", StateJson.Default.SeenState);

    /// <summary>The root, or null before it is known.</summary>
    public TrustRoot? TryRoot() => TryRead("root.json");

    /// <summary>Whether this is the root, or the one that the device was set up with.</summary>
    public bool Knows(TrustRoot given) => given.Fingerprint == TryRoot()?.Fingerprint || given.Fingerprint == TryRead("first.json")?.Fingerprint;

    public TrustRoot Root() => TryRoot() ?? throw new Store.Repositories.StoreNotFoundException($"{root.Trust}: no trust root; 'ctree init' gets it");

    public void WriteRoot(TrustRoot trusted)
    {
        using var trust = Posix.OpenDirectory(root.Trust);
        DurableFiles.Replace(trust, "root.json"u8, trusted.Envelope.Bytes.Span);
    }

    /// <summary>Goes on to the next root, durably, before anything is judged by it.</summary>
    /// <exception cref="VerificationException">It does not follow on the trusted one, which stays.</exception>
    public TrustRoot Follow(ReadOnlySpan<byte> bytes)
    {
        var present = Root();
        var next = present.Next(bytes);
        using (var trust = Posix.OpenDirectory(root.Trust))
            DurableFiles.TryCreate(trust, "first.json"u8, present.Envelope.Bytes.Span);
        WriteRoot(next);
        return next;
    }

    public SeenBranch? Seen(BranchName branch) => _seen.TryRead()?.Find(branch);

    /// <summary>The newest head that was accepted on the branch, or null.</summary>
    public byte[]? TryHead(BranchName branch)
    {
        using var trust = Posix.OpenDirectory(root.Trust);
        return DurableFiles.TryRead(trust, HeadFile(branch), Envelope.MaxBytes);
    }

    /// <summary>
    /// Verifies a head and remembers it durably; nothing is written unless it passes.
    /// </summary>
    /// <exception cref="VerificationException">Not signed, older than one seen, in conflict with it, or expired.</exception>
    public VerifiedHead Accept(ReadOnlySpan<byte> bytes, BranchName branch)
    {
        var trusted = Root();
        var keys = trusted.Roles.TryGetValue(Role.Release, out var role) ? role.KeyIds : [];
        var seen = _seen.TryRead() ?? new SeenState(Never, []);
        var time = new TrustedTime(clock, Floor(seen, keys));
        if (time.IsPast(trusted.Expires))
            throw new VerificationException($"root {trusted.Version}", VerificationFailure.Expired, $"it ended at {trusted.Expires:u}, and the server has no newer one");
        var head = trusted.VerifyHead(bytes, branch);
        HeadPolicy.Accept(head, Mark(seen.Find(branch), keys), time);
        // The mark first: a crash in between costs a repeated download of the head, never a step back.
        _seen.Write(seen with { Branches = [.. seen.Branches.Where(b => b.Branch != branch), Marked(seen.Find(branch), head, keys, trusted)] });
        using var trust = Posix.OpenDirectory(root.Trust);
        DurableFiles.Replace(trust, HeadFile(branch), bytes);
        return head;
    }

    // Marks and moments count as long as the key that set them: else a thief's highest sequence, or a head dated in the year 9998,
    // would stop a device for ever (TUF, recovery from fast-forward attacks).
    private static SeenHead? Mark(SeenBranch? known, IReadOnlyList<KeyId> keys)
    {
        if (known is null)
            return null;
        if (known.Keys is null)
            return new SeenHead(known.Sequence, known.Commit);
        return known.Keys.Where(k => keys.Contains(k.Key)).MaxBy(k => k.Sequence) is { } highest ? new SeenHead(highest.Sequence, highest.Commit) : null;
    }

    private static DateTimeOffset Floor(SeenState seen, IReadOnlyList<KeyId> keys) =>
        seen.Branches.SelectMany(b => b.Keys ?? []).Where(k => keys.Contains(k.Key)).Select(k => k.Created).Append(seen.Floor).Max();

    private static SeenBranch Marked(SeenBranch? known, VerifiedHead head, IReadOnlyList<KeyId> keys, TrustRoot trusted)
    {
        var signers = trusted.SignersOf(head.Envelope, Role.Release);
        var before = (known?.Keys ?? []).Where(k => keys.Contains(k.Key)).ToDictionary(k => k.Key);
        foreach (var signer in signers)
        {
            var created = before.TryGetValue(signer, out var old) && old.Created > head.Created ? old.Created : head.Created;
            before[signer] = new SeenKey(signer, head.Sequence, head.Commit, created);
        }
        return new SeenBranch(head.Branch, head.Sequence, head.Commit, [.. before.Values.OrderBy(k => k.Key)]);
    }

    private TrustRoot? TryRead(string name)
    {
        if (!Directory.Exists(root.Trust))
            return null;
        using var trust = Posix.OpenDirectory(root.Trust);
        return DurableFiles.TryRead(trust, Encoding.ASCII.GetBytes(name), Envelope.MaxBytes) is { } bytes ? TrustRoot.Load(bytes) : null;
    }

    private static byte[] HeadFile(BranchName branch) =>
        Encoding.ASCII.GetBytes($"head-{branch.ToString().Replace('/', '+')}.json");
}
