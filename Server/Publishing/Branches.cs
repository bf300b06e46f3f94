using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Publishing;

/// <summary>Where a publisher saw a branch: the newest head file's bytes, and what they prove. Both null before the first publish.</summary>
internal sealed record BranchPosition(BranchName Branch, byte[]? Bytes, VerifiedHead? Head);

/// <summary>Reads and moves branches: the one place that signs heads.</summary>
internal sealed class Branches(DataDirectory data, TimeProvider time)
{
    /// <summary>Nobody need renew a head: a device that slept for years still takes it. Freshness is another statement's work.</summary>
    private const int HeadYears = 10;

    private readonly TrustRoot _root = data.Trust.Load();

    public IReadOnlyList<BranchName> List() => data.Repository.Heads.List();

    /// <exception cref="VerificationException">The head file was not signed by a release key.</exception>
    public BranchPosition Read(BranchName branch)
    {
        var bytes = data.Repository.Heads.ReadNewest(branch);
        return new BranchPosition(branch, bytes, bytes is null ? null : _root.VerifyHead(bytes, branch));
    }

    /// <exception cref="NotFoundException">Nothing was published on the branch.</exception>
    public VerifiedHead ReadHead(BranchName branch) => Read(branch).Head ?? throw new NotFoundException($"no branch {branch}");

    /// <summary>An archived head, or null.</summary>
    public VerifiedHead? ReadArchived(BranchName branch, long sequence) =>
        data.Repository.Heads.ReadArchived(branch, sequence) is { } bytes ? _root.VerifyHead(bytes, branch) : null;

    /// <summary>Signs a head and moves the branch, if it still is where <paramref name="seen"/> says.</summary>
    /// <param name="complete">The commit, all of whose objects were found; the caller keeps garbage collection out.</param>
    /// <exception cref="BranchMovedException">Somebody else was first; nothing was changed.</exception>
    public VerifiedHead Advance(BranchPosition seen, CompleteClosure complete)
    {
        var now = time.GetUtcNow();
        var statement = new HeadStatement
        {
            Branch = seen.Branch,
            Commit = complete.Commit,
            Sequence = NextSequence(seen),
            Created = now,
            Expires = now.AddYears(HeadYears),
        };
        var bytes = data.LoadReleaseKey().Sign(statement).Bytes;
        // A key that the root does not name would publish heads that every device refuses.
        var head = _root.VerifyHead(bytes.Span, seen.Branch);
        data.Repository.Heads.Advance(seen.Branch, seen.Bytes, statement.Sequence, bytes.Span);
        return head;
    }

    // Above the archive too: a publish that was killed between archive and newest has used its number.
    private long NextSequence(BranchPosition seen)
    {
        var archived = data.Repository.Heads.ArchivedSequences(seen.Branch);
        return Math.Max(seen.Head?.Sequence ?? 0, archived.Count > 0 ? archived[^1] : 0) + 1;
    }
}
