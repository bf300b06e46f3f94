using ContentTree.Server.Privacy;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Publishing;

/// <summary>Lists, makes and deletes branches: the published ones and those that wait for their first publish.</summary>
internal sealed class BranchRegister(DataDirectory data, EmptyBranches empty, TimeProvider time)
{
    private readonly Branches _branches = new(data, time);
    private readonly PrivateBranches _private = new(data);
    private readonly ProtectedBranches _protected = new(data);

    public IReadOnlyList<BranchInfo> List()
    {
        var published = _branches.List().Select(Describe).ToList();
        var waiting = empty.List().Except(published.Select(b => b.Name)).Select(b => new BranchInfo(b, 0));
        var (privateOnes, protectedOnes) = (_private.Read(), _protected.Read());
        return [.. published.Concat(waiting).Select(b => b with { Private = privateOnes.Contains(b.Name) ? true : null, Protected = protectedOnes.Contains(b.Name) ? true : null }).OrderBy(b => b.Name.ToString(), StringComparer.Ordinal)];
    }

    /// <param name="commit">Where it starts; null makes an empty branch.</param>
    /// <param name="isPrivate">Only for devices that are allowed it. A name that was private stays so until somebody makes it public.</param>
    /// <param name="move">Who makes it.</param>
    /// <exception cref="BranchMovedException">There is such a branch.</exception>
    public BranchInfo Create(BranchName branch, ObjectId? commit, BranchMove move, bool isPrivate = false)
    {
        var seen = _branches.Read(branch);
        if (seen.Head is not null || empty.Contains(branch))
            throw new BranchMovedException($"there is a branch {branch} already");
        // Before the first head: nothing of it is public for a moment.
        if (isPrivate)
            _private.Set(branch, isIn: true);
        if (commit is not { } start)
        {
            empty.Add(branch);
            return new BranchInfo(branch, 0);
        }
        using var guard = data.Repository.BeginWriting();
        if (!data.Repository.Contains(new ObjectName(ObjectKind.Commit, start)))
            throw new NotFoundException($"no commit {start}");
        _branches.Advance(seen, CompleteClosure.Check(data.Repository, start), move);
        return Describe(branch);
    }

    /// <summary>Moves a branch to a head that was signed elsewhere.</summary>
    /// <exception cref="VerificationException">Too few release keys have signed it, or it is another branch's.</exception>
    /// <exception cref="BranchMovedException">The branch has gone on since.</exception>
    public VerifiedHead Advance(BranchName branch, ReadOnlySpan<byte> bytes)
    {
        var seen = _branches.Read(branch);
        var head = data.Trust.Load().VerifyHead(bytes, branch);
        // Said again, as after a crash, it has moved already.
        if (seen.Head is { } present && present.Sequence == head.Sequence && present.Commit == head.Commit)
            return present;
        using var guard = data.Repository.BeginWriting();
        return _branches.Advance(seen, CompleteClosure.Check(data.Repository, head.Commit), BranchMove.Here(BranchMove.Advance), bytes);
    }

    /// <summary>Devices that follow the branch are told that there is none; its archived heads stay.</summary>
    /// <exception cref="NotFoundException">There is no such branch.</exception>
    public void Delete(BranchName branch)
    {
        if (_protected.Contains(branch))
            throw new BranchProtectedException(branch);
        var wasEmpty = empty.Remove(branch);
        if (!wasEmpty || data.Repository.Heads.ReadNewest(branch) is not null)
            data.Repository.Heads.Delete(branch);
    }

    /// <summary>Makes a branch private or public, with all that it ever had.</summary>
    /// <exception cref="NotFoundException">There never was such a branch.</exception>
    public void SetPrivate(BranchName branch, bool isPrivate)
    {
        if (!_private.Contains(branch) && !empty.Contains(branch) && data.Repository.Heads.ArchivedSequences(branch).Count == 0)
            throw new NotFoundException($"no branch {branch}");
        _private.Set(branch, isPrivate);
        // Walks what there is now, and not when the first device asks.
        if (_private.Read().Count > 0)
            new ReachIndex(data, time).Refresh();
    }

    /// <summary>Lets a branch go only where another is or where it was, or lets it go anywhere again.</summary>
    /// <exception cref="NotFoundException">There never was such a branch.</exception>
    public void SetProtected(BranchName branch, bool isProtected)
    {
        if (!_protected.Contains(branch) && !empty.Contains(branch) && data.Repository.Heads.ArchivedSequences(branch).Count == 0)
            throw new NotFoundException($"no branch {branch}");
        _protected.Set(branch, isProtected);
    }

    /// <summary>Where a branch has been, newest first, and what people said to it.</summary>
    /// <exception cref="NotFoundException">There never was such a branch.</exception>
    public IReadOnlyList<BranchPositionInfo> History(BranchName branch, int limit, long? before = null)
    {
        var sequences = data.KnownHeads.Sequences(branch);
        if (sequences.Count == 0 && !empty.Contains(branch))
            throw new NotFoundException($"no branch {branch}");
        var notes = new MoveNotes(data);
        return [.. sequences.Reverse().SkipWhile(sequence => sequence >= before).Take(limit).Select(sequence => _branches.FindArchived(branch, sequence)).OfType<KnownHead>().Select(head =>
        {
            var note = notes.Read(branch, head.Sequence);
            return new BranchPositionInfo(head.Sequence, head.Commit, head.Created, note?.Verb, note?.By, note?.Reason is { Length: > 0 } reason ? reason : null);
        })];
    }

    private BranchInfo Describe(BranchName branch)
    {
        var head = _branches.ReadHead(branch);
        return new BranchInfo(branch, head.Sequence, head.Commit, VersionOf(head.Commit), head.Created);
    }

    // One damaged commit must not hide the other branches; fsck tells of it.
    private string? VersionOf(ObjectId commit)
    {
        try
        {
            return data.Repository.ReadCommit(commit).Version;
        }
        catch (Exception e) when (e is CorruptObjectException or ObjectNotFoundException)
        {
            return null;
        }
    }
}
