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
    public TrustRoot? TryRoot()
    {
        if (!Directory.Exists(root.Trust))
            return null;
        using var trust = Posix.OpenDirectory(root.Trust);
        var bytes = DurableFiles.TryRead(trust, "root.json"u8, Envelope.MaxBytes);
        return bytes is null ? null : TrustRoot.Load(bytes);
    }

    public TrustRoot Root() => TryRoot() ?? throw new Store.Repositories.StoreNotFoundException($"{root.Trust}: no trust root; 'ctree init' gets it");

    public void WriteRoot(TrustRoot trusted)
    {
        using var trust = Posix.OpenDirectory(root.Trust);
        DurableFiles.Replace(trust, "root.json"u8, trusted.Envelope.Bytes.Span);
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
        var head = Root().VerifyHead(bytes, branch);
        var seen = _seen.TryRead() ?? new SeenState(Never, []);
        var known = seen.Find(branch);
        HeadPolicy.Accept(head, known is null ? null : new SeenHead(known.Sequence, known.Commit), new TrustedTime(clock, seen.Floor));
        // The mark first: a crash in between costs a repeated download of the head, never a step back.
        _seen.Write(new SeenState(
            head.Created > seen.Floor ? head.Created : seen.Floor,
            [.. seen.Branches.Where(b => b.Branch != branch), new SeenBranch(branch, head.Sequence, head.Commit)]));
        using var trust = Posix.OpenDirectory(root.Trust);
        DurableFiles.Replace(trust, HeadFile(branch), bytes);
        return head;
    }

    private static byte[] HeadFile(BranchName branch) =>
        Encoding.ASCII.GetBytes($"head-{branch.ToString().Replace('/', '+')}.json");
}
