using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Fleet;

/// <summary>The commits that begin with the digits by which devices name them.</summary>
internal sealed class CommitPrefixes
{
    private readonly Dictionary<string, List<ObjectId>> _commits = [];

    /// <summary>Reads those directories of the repository that can have such commits.</summary>
    public CommitPrefixes(Repository repository, IEnumerable<string> prefixes)
    {
        foreach (var first in prefixes.Select(p => Convert.ToByte(p[..2], 16)).Distinct())
        {
            foreach (var name in repository.List(first).Where(n => n.Kind == ObjectKind.Commit))
            {
                var prefix = name.Id.ToString()[..PollRequest.KeptDigits];
                if (!_commits.TryGetValue(prefix, out var found))
                    _commits[prefix] = found = [];
                found.Add(name.Id);
            }
        }
    }

    public IReadOnlyList<ObjectId> Find(string prefix) => _commits.TryGetValue(prefix, out var found) ? found : [];
}
