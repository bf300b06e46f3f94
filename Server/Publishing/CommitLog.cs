using ContentTree.Server.Storage;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Publishing;

/// <summary>Commits in their line, newest first, back to where history was pruned.</summary>
internal sealed class CommitLog(DataDirectory data, TimeProvider time)
{
    public IEnumerable<(ObjectId Id, Commit Commit)> Walk(ObjectId newest)
    {
        for (ObjectId? next = newest; next is { } id && data.Repository.Contains(new ObjectName(ObjectKind.Commit, id));)
        {
            var commit = data.Repository.ReadCommit(id);
            yield return (id, commit);
            next = commit.Parents.Count > 0 ? commit.Parents[0] : null;
        }
    }

    /// <summary>The numbers that a branch's commits have there, the highest of each.</summary>
    public IReadOnlyDictionary<ObjectId, long> Sequences(BranchName branch)
    {
        var branches = new Branches(data, time);
        var sequences = new Dictionary<ObjectId, long>();
        foreach (var sequence in data.Repository.Heads.ArchivedSequences(branch))
        {
            if (branches.ReadArchived(branch, sequence) is { } head)
                sequences[head.Commit] = sequence;
        }
        return sequences;
    }
}
