using ContentTree.Server.Commands;
using ContentTree.Server.Privacy;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Publishing;

/// <summary>Leads a branch to a commit that is there already: promote and revert. No object moves.</summary>
internal sealed class BranchSteering(DataDirectory data, TimeProvider time)
{
    /// <param name="text">Where to, as people name a commit.</param>
    /// <param name="move">Who, why, and whether it is a revert.</param>
    /// <param name="seenAt">Where somebody saw the branch when he decided, if that counts.</param>
    /// <exception cref="NotFoundException">No such commit, or the branch never was there, for a revert.</exception>
    /// <exception cref="BranchMovedException">Somebody else was first; nothing was changed.</exception>
    public MoveHeadAnswer Move(BranchName target, string text, BranchMove move, (ObjectId? Commit, bool IsAsked) seenAt = default)
    {
        var branches = new Branches(data, time);
        var seen = branches.Read(target);
        if (seenAt.IsAsked && seen.Head?.Commit != seenAt.Commit)
            throw new BranchMovedException($"branch {target} has moved since; look at it again");
        using var guard = data.Repository.BeginWriting();
        var commit = CommitReference.Resolve(data, time, text);
        if (seen.Head is { } head && head.Commit == commit)
            return new MoveHeadAnswer(head.Sequence, head.Commit);
        if (move.Verb == BranchMove.Revert)
            branches.RequireHasBeenAt(target, commit);
        else
            RequireNotShown(text, target, new PrivateBranches(data).Read());
        var complete = CompleteClosure.Check(data.Repository, commit);
        new PrivilegePolicy(data).Check(seen.Head?.Commit, data.Repository.ReadCommit(commit).Tree, isMeant: false);
        var moved = branches.Advance(seen, complete, move);
        return new MoveHeadAnswer(moved.Sequence, moved.Commit);
    }

    // A slip of the fingers would show it to everybody.
    public static void RequireNotShown(string from, BranchName target, IReadOnlySet<BranchName> privateOnes)
    {
        if (BranchName.TryParse(from, out var source) && privateOnes.Contains(source) && !privateOnes.Contains(target))
            throw new UsageException($"branch {source} is private and {target} is not, so everybody would see it; if that is meant, name the commit by its id");
    }
}
