using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Deltas;

/// <summary>
/// The commits that signed heads name, branch by branch. Heads never change, so each is read and checked once. For one thread at a
/// time, apart from <see cref="Contains"/>.
/// </summary>
internal sealed class PublishedCommits(DataDirectory data, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<BranchName, (long Sequence, List<ObjectId> Commits)> _branches = [];
    private readonly HashSet<ObjectId> _all = [];

    /// <summary>Whether a head of some branch has ever named the commit.</summary>
    public bool Contains(ObjectId commit)
    {
        lock (_lock)
        {
            if (_all.Contains(commit))
                return true;
            Refresh();
            return _all.Contains(commit);
        }
    }

    /// <summary>The branches whose heads have named the commit.</summary>
    public IReadOnlyList<BranchName> BranchesOf(ObjectId commit)
    {
        lock (_lock)
        {
            Refresh();
            return [.. _branches.Where(b => b.Value.Commits.Contains(commit)).Select(b => b.Key)];
        }
    }

    /// <summary>What every branch is at.</summary>
    public IReadOnlySet<ObjectId> Newest()
    {
        var branches = new Branches(data, time);
        return branches.List().Select(b => branches.Read(b).Head?.Commit).OfType<ObjectId>().ToHashSet();
    }

    /// <summary>The branch's newest commit and up to <paramref name="count"/> others before it, newest first; null when there is none.</summary>
    public (ObjectId Newest, IReadOnlyList<ObjectId> Earlier)? Recent(BranchName branch, int count)
    {
        lock (_lock)
        {
            if (new Branches(data, time).Read(branch).Head is not { } head)
                return null;
            Refresh();
            var earlier = _branches.TryGetValue(branch, out var known) ? known.Commits.AsEnumerable().Reverse() : [];
            return (head.Commit, [.. earlier.Where(c => c != head.Commit).Distinct().Take(count)]);
        }
    }

    private void Refresh()
    {
        var branches = new Branches(data, time);
        foreach (var branch in branches.List())
        {
            var (sequence, commits) = _branches.TryGetValue(branch, out var known) ? known : (0, []);
            foreach (var next in data.Repository.Heads.ArchivedSequences(branch).Where(s => s > sequence))
            {
                if (Read(branches, branch, next) is not { } commit)
                    continue;
                commits.Add(commit);
                _all.Add(commit);
                sequence = next;
            }
            _branches[branch] = (sequence, commits);
        }
    }

    // One damaged head must not end the work for all branches; fsck tells of it.
    private static ObjectId? Read(Branches branches, BranchName branch, long sequence)
    {
        try
        {
            return branches.ReadArchived(branch, sequence)?.Commit;
        }
        catch (Exception e) when (e is VerificationException or FormatException)
        {
            return null;
        }
    }
}
