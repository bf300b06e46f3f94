using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Dashboard;

/// <summary>
/// The numbers that commits have on their branches. Archived heads never change, so each is read and checked once; of a long line a page reads
/// on from the newest as far as it needs, and no further than its reader would wait.
/// </summary>
internal sealed class SequenceIndex(DataDirectory data, TimeProvider time)
{
    private const int MaxBranches = 200;
    private const int MaxRead = 100;

    private readonly Lock _lock = new();
    private readonly Dictionary<BranchName, (HashSet<long> Read, Dictionary<ObjectId, long> Commits)> _branches = [];

    /// <returns>Those of the commits whose number is known.</returns>
    public IReadOnlyDictionary<ObjectId, long> Of(BranchName branch, IReadOnlyCollection<ObjectId> commits)
    {
        lock (_lock)
        {
            if (_branches.Count > MaxBranches)
                _branches.Clear();
            if (!_branches.TryGetValue(branch, out var known))
                _branches[branch] = known = ([], []);
            var branches = new Branches(data, time);
            var lowest = known.Read.DefaultIfEmpty(long.MaxValue).Min();
            foreach (var sequence in data.KnownHeads.Sequences(branch).Reverse().Where(s => !known.Read.Contains(s)).Take(MaxRead))
            {
                // A new head may have led the branch back to what it was at before: the highest number counts.
                if (sequence < lowest && commits.All(known.Commits.ContainsKey))
                    break;
                known.Read.Add(sequence);
                if (branches.FindArchived(branch, sequence)?.Commit is { } commit && sequence > known.Commits.GetValueOrDefault(commit))
                    known.Commits[commit] = sequence;
            }
            return commits.Where(known.Commits.ContainsKey).Distinct().ToDictionary(c => c, c => known.Commits[c]);
        }
    }
}
