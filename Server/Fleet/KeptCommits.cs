using ContentTree.Store.Objects;

namespace ContentTree.Server.Fleet;

/// <summary>Commits that stay, each with all that holds it.</summary>
internal sealed class KeptCommits
{
    private readonly Dictionary<ObjectId, Holders> _commits = [];

    /// <summary>All of them.</summary>
    public IReadOnlyCollection<ObjectId> All => _commits.Keys;

    /// <summary>Those that no rule of a branch holds.</summary>
    public IEnumerable<ObjectId> BeyondBranches => _commits.Where(c => !c.Value.IsByBranch).Select(c => c.Key);

    /// <summary>What holds a commit, in words.</summary>
    public IReadOnlyList<string> ReasonsOf(ObjectId commit) => _commits[commit].Reasons;

    public void Add(ObjectId commit, string reason, bool isByBranch = false)
    {
        if (!_commits.TryGetValue(commit, out var holders))
            _commits[commit] = holders = new Holders();
        holders.IsByBranch |= isByBranch;
        // A commit that a whole fleet runs would be as many lines.
        if (holders.Reasons.Count < Holders.Named)
            holders.Reasons.Add(reason);
        else if (holders.Reasons.Count == Holders.Named)
            holders.Reasons.Add("and more");
    }

    private sealed class Holders
    {
        public const int Named = 10;

        public List<string> Reasons { get; } = [];

        public bool IsByBranch { get; set; }
    }
}
