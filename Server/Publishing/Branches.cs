using System.Data.Common;
using ContentTree.Server.Compositions;
using ContentTree.Server.Privacy;
using ContentTree.Server.Storage;
using ContentTree.Server.Trust;
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
    private IReadOnlyList<TrustRoot>? _all;

    public IReadOnlyList<BranchName> List() => data.Repository.Heads.List();

    /// <exception cref="VerificationException">The head file was not signed by a release key.</exception>
    public BranchPosition Read(BranchName branch)
    {
        var bytes = data.Repository.Heads.ReadNewest(branch);
        return new BranchPosition(branch, bytes, bytes is null ? null : _root.VerifyHead(bytes, branch));
    }

    /// <exception cref="NotFoundException">Nothing was published on the branch.</exception>
    public VerifiedHead ReadHead(BranchName branch) => Read(branch).Head ?? throw new NotFoundException($"no branch {branch}");

    /// <summary>An archived head, or null. Keys that have left since have signed it all the same.</summary>
    public VerifiedHead? ReadArchived(BranchName branch, long sequence)
    {
        return data.Repository.Heads.ReadArchived(branch, sequence) is { } bytes ? VerifyByAny(bytes, branch) : null;
    }

    /// <summary>The same for pages and lists, which look again and again: as it was when it was read first.</summary>
    public KnownHead? FindArchived(BranchName branch, long sequence) => data.KnownHeads.Find(_root, branch, sequence, () => ReadArchived(branch, sequence));

    /// <summary>Whether a signed head, the newest or an archived one, has ever led the branch to the commit.</summary>
    public bool HasBeenAt(BranchName branch, ObjectId commit) => Read(branch).Head?.Commit == commit ||
        data.Repository.Heads.ArchivedSequences(branch).Reverse().Any(sequence => ReadArchived(branch, sequence)?.Commit == commit);

    /// <summary>For a revert: what a branch never was at is no way back.</summary>
    /// <exception cref="NotFoundException">It never was.</exception>
    public void RequireHasBeenAt(BranchName branch, ObjectId commit)
    {
        if (!HasBeenAt(branch, commit))
            throw new NotFoundException($"branch {branch} never was at commit {commit}; 'branch promote' leads it to another branch's");
    }

    private VerifiedHead VerifyByAny(byte[] bytes, BranchName branch)
    {
        var envelope = Envelope.Parse(bytes);
        _all ??= [.. data.Trust.LoadAll()];
        return (_all.FirstOrDefault(root => root.HeadSigner(envelope, branch) is not null) ?? _root).VerifyHead(bytes, branch);
    }

    /// <summary>Signs a head and moves the branch, if it still is where <paramref name="seen"/> says.</summary>
    /// <param name="complete">The commit, all of whose objects were found; the caller keeps garbage collection out.</param>
    /// <param name="keys">Who signs; those of the server's own directory where none are given.</param>
    /// <exception cref="BranchMovedException">Somebody else was first; nothing was changed.</exception>
    /// <exception cref="NotFoundException">Too few keys of the release role are at hand.</exception>
    public VerifiedHead Advance(BranchPosition seen, CompleteClosure complete, BranchMove move, SigningKeys? keys = null)
    {
        using var signing = data.Trust.Lock(exclusive: false);
        var root = data.Trust.Load();
        var proposed = Propose(seen, complete, keys ?? data.LoadKeys());
        if (root.HeadSigner(proposed, seen.Branch) is null)
        {
            var (signers, role) = (root.SignersOf(proposed, Role.Release).Count, root.Roles[Role.Release]);
            throw new NotFoundException($"{signers} of {role.Threshold} release keys are at hand, so no head can be signed; put the key back into {data.Path}/keys, name it with --key or --signer, " +
                "or let others sign: 'publish --unsigned FILE', 'sign FILE', 'branch advance BRANCH FILE'");
        }
        return Move(root, seen, complete, proposed.Bytes.Span, move);
    }

    /// <summary>The head that would move the branch, with the signatures of these keys.</summary>
    public Envelope Propose(BranchPosition seen, CompleteClosure complete, SigningKeys keys)
    {
        var (root, unsigned) = (data.Trust.Load(), Envelope.Create(Statement(seen.Branch, complete.Commit, NextSequence(seen), time.GetUtcNow()).Encode(), []));
        // Where those of the composition role are enough, no others are used.
        return complete.IsComposed && root.MayCompose(seen.Branch) && data.LoadOnlineKeys().Sign(unsigned, root, Role.Composition) is var composed && root.HeadSigner(composed, seen.Branch) is not null
            ? composed
            : SignDeveloped(unsigned, root, seen.Branch, keys) ?? keys.Sign(unsigned, root, Role.Release);
    }

    // A developer's key that was named is meant: beside a release key's signature it would count for nothing.
    private static Envelope? SignDeveloped(Envelope unsigned, TrustRoot root, BranchName branch, SigningKeys keys) =>
        root.MayDevelop(branch) && keys.Sign(unsigned, root, Role.Developer) is var signed && root.HeadSigner(signed, branch) is not null ? signed : null;

    /// <summary>What is to be signed for a branch to move, wherever that is done.</summary>
    public static HeadStatement Statement(BranchName branch, ObjectId commit, long sequence, DateTimeOffset now) => new()
    {
        Branch = branch,
        Commit = commit,
        Sequence = sequence,
        Created = now,
        Expires = now.AddYears(HeadYears),
    };

    /// <summary>Moves the branch to a head that was signed elsewhere.</summary>
    /// <exception cref="VerificationException">Too few release keys have signed it.</exception>
    /// <exception cref="BranchMovedException">The branch has gone on since; nothing was changed.</exception>
    public VerifiedHead Advance(BranchPosition seen, CompleteClosure complete, BranchMove move, ReadOnlySpan<byte> bytes)
    {
        using var signing = data.Trust.Lock(exclusive: false);
        return Move(data.Trust.Load(), seen, complete, bytes, move);
    }

    /// <summary>Whether another branch is at the commit.</summary>
    public bool IsAtAnother(BranchName branch, ObjectId commit) => List().Any(other => other != branch && TryRead(other)?.Commit == commit);

    // Somebody else's damaged head is fsck's to tell of.
    private VerifiedHead? TryRead(BranchName branch)
    {
        try
        {
            return Read(branch).Head;
        }
        catch (VerificationException)
        {
            return null;
        }
    }

    private void RequireOpen(BranchName branch, ObjectId commit)
    {
        if (new ProtectedBranches(data).Contains(branch) && !IsAtAnother(branch, commit) && !HasBeenAt(branch, commit))
            throw new BranchProtectedException(branch);
    }

    private VerifiedHead Move(TrustRoot root, BranchPosition seen, CompleteClosure complete, ReadOnlySpan<byte> bytes, BranchMove move)
    {
        RequireOpen(seen.Branch, complete.Commit);
        // A key that the root does not name would publish heads that every device refuses.
        var head = root.VerifyHead(bytes, seen.Branch);
        if (head.Commit != complete.Commit || head.Sequence <= (seen.Head?.Sequence ?? 0))
            throw new BranchMovedException($"branch {seen.Branch} is at sequence {seen.Head?.Sequence ?? 0} already; publish again");
        new VersionPolicy(data, this).Require(seen.Branch, data.Repository.ReadCommit(complete.Commit));
        var trail = new MoveTrail(data, time);
        var begun = trail.Begin(seen, head.Commit, head.Sequence, move);
        try
        {
            data.Repository.Heads.Advance(seen.Branch, seen.Bytes, head.Sequence, bytes);
        }
        catch (BranchMovedException)
        {
            trail.Drop(begun);
            throw;
        }
        Vouch(seen.Branch);
        Note(head, move, trail, begun);
        return head;
    }

    /// <summary>Adds signatures to the newest head of a branch, which stays where it is.</summary>
    /// <param name="signsComposed">Also what composition keys have moved. A thief of such a key may have: a person has looked at it first.</param>
    /// <exception cref="NotFoundException">Nothing was published on the branch.</exception>
    /// <exception cref="FormatException">Its commit says that it is composed, and does not follow from its parts.</exception>
    public Envelope SignHead(BranchName branch, TrustRoot root, SigningKeys keys, bool signsComposed = false)
    {
        var present = data.Repository.Heads.ReadNewest(branch) ?? throw new NotFoundException($"no branch {branch}");
        var head = VerifyByAny(present, branch);
        // Those of keys that neither root names would only pile up.
        var known = _root.HeadKeys(branch).Union(root.HeadKeys(branch)).ToHashSet();
        var current = head.Envelope.Signatures.Where(s => known.Contains(s.KeyId)).ToArray();
        var signed = Envelope.Create(head.Envelope.SignedBytes.Span, current);
        if (head.IsReleased || signsComposed)
        {
            if (data.Repository.Contains(new ObjectName(ObjectKind.Commit, head.Commit)))
                ComposedCommit.Require(data.Repository, head.Commit);
            signed = head.IsDeveloped ? keys.Sign(signed, root, Role.Developer)
                : !head.IsReleased && root.MayCompose(branch) ? data.LoadOnlineKeys().Sign(signed, root, Role.Composition)
                : keys.Sign(signed, root, Role.Release);
        }
        if (!signed.Bytes.Span.SequenceEqual(present))
        {
            data.Repository.Heads.Renew(branch, present, head.Sequence, signed.Bytes.Span);
            Vouch(branch);
        }
        return signed;
    }

    // For web servers of plain files. The branch has moved: what cannot be written now, 'serve' makes when it is asked.
    private void Vouch(BranchName branch)
    {
        try
        {
            new Timestamps(data, time).Read(branch);
        }
        catch (Exception e) when (e is IOException or FormatException)
        {
        }
    }

    private void Note(VerifiedHead head, BranchMove move, MoveTrail trail, MoveTrail.Note begun)
    {
        try
        {
            new MoveNotes(data).Write(head.Branch, head.Sequence, move);
            trail.End(begun);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DbException or FormatException)
        {
            // The branch has moved, so that is what is answered. A running server says the rest as soon as it can.
        }
    }

    /// <summary>
    /// The sequence that the next head of a branch gets. Above the archive too: a publish that was killed between archive and newest has
    /// used its number. What a dismissed key has archived is only passed over, so that a thief cannot use up all numbers.
    /// </summary>
    public long NextSequence(BranchPosition seen)
    {
        var archived = data.Repository.Heads.ArchivedSequences(seen.Branch);
        var counted = archived.LastOrDefault(sequence => data.Repository.Heads.ReadArchived(seen.Branch, sequence) is { } bytes && IsCounted(seen.Branch, bytes));
        var next = Math.Max(seen.Head?.Sequence ?? 0, counted) + 1;
        while (archived.Contains(next))
            next++;
        return next;
    }

    private bool IsCounted(BranchName branch, byte[] bytes)
    {
        try
        {
            return data.Trust.Load().HeadSigner(Envelope.Parse(bytes), branch) is not null;
        }
        catch (VerificationException)
        {
            return false;
        }
    }
}
