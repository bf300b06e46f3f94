using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Fleet;

/// <summary>
/// Which commits stay: those that branches are at, their history as far as the rules go, what accepted devices run, have staged, may fall
/// back to or are pinned to, and what policies and rollouts may still lead devices to. A device that is silent keeps what it had, and is named.
/// </summary>
/// <param name="keep">Positions of each branch, newest first; null leaves it to <c>server.conf</c>.</param>
internal sealed class Retention(DataDirectory data, Database database, Devices devices, TimeProvider time, int? keep)
{
    /// <summary>Devices that keep commits and were not heard of for long.</summary>
    public IReadOnlyList<DeviceNeed> Silent { get; private set; } = [];

    public KeptCommits Find(IEnumerable<ObjectId> named)
    {
        var kept = new KeptCommits();
        foreach (var commit in named)
            kept.Add(commit, "named with --root");
        var settings = ServerSettings.Load(data.Path);
        foreach (var branch in data.Repository.Heads.List())
            AddBranch(kept, branch, keep ?? settings.HistoryOf(branch), settings.HasVersionsOnce(branch));
        AddDevices(kept, time.GetUtcNow() - settings.SilentAfter);
        AddPolicies(kept);
        AddParts(kept);
        return kept;
    }

    private void AddBranch(KeptCommits kept, BranchName branch, int? positions, bool isVersioned)
    {
        var branches = new Branches(data, time);
        kept.Add(branches.ReadHead(branch).Commit, $"head of {branch}", isByBranch: true);
        var seen = new HashSet<ObjectId>();
        foreach (var sequence in data.Repository.Heads.ArchivedSequences(branch).Reverse())
        {
            // Of the archive, what an earlier gc has removed is no longer there to be kept.
            if (branches.ReadArchived(branch, sequence)?.Commit is not { } commit)
                continue;
            var isThere = IsThere(commit);
            // Whoever is before it, also after years in a cupboard, has to run it.
            if (isThere && data.Repository.ReadCommit(commit).Barrier)
                kept.Add(commit, $"barrier of {branch}");
            if (seen.Count >= (positions ?? int.MaxValue))
                continue;
            // What is tried out is no version: of a branch of versions only its newest stays, as its head.
            if (isVersioned && isThere && data.Repository.ReadCommit(commit).Kind == CommitKind.Development)
                continue;
            if (seen.Add(commit) && isThere)
                kept.Add(commit, $"{branch}, sequence {sequence}", isByBranch: true);
        }
    }

    // They prove what is composed of them, so whoever holds that holds them.
    private void AddParts(KeptCommits kept)
    {
        foreach (var commit in kept.All.Where(IsThere).ToArray())
        {
            foreach (var part in Composition.Of(data.Repository.ReadCommit(commit))?.Inputs ?? [])
                kept.Add(part.Commit, $"part of {commit.ToString()[..12]} ({kept.ReasonsOf(commit)[0]})");
        }
    }

    // Devices that have not polled since will be told to go there. A rollout that is over may be reverted, as long as no later one was started.
    private void AddPolicies(KeptCommits kept)
    {
        using var connection = database.Connect();
        foreach (var policy in new PolicyBook(database).List().Where(p => p.Commit is { } commit && !p.IsOver(time.GetUtcNow()) && IsThere(commit)))
            kept.Add(policy.Commit.GetValueOrDefault(), $"{policy.Scope}: {Policy.Word(policy.Action)}");
        foreach (var rollout in RolloutBook.Newest(connection))
        {
            foreach (var commit in new[] { rollout.Commit, rollout.Baseline.GetValueOrDefault(rollout.Commit) }.Distinct().Where(IsThere))
                kept.Add(commit, $"rollout {rollout.Id} of {rollout.Scope}{(commit == rollout.Commit ? "" : ", to go back to")}");
        }
    }

    private void AddDevices(KeptCommits kept, DateTimeOffset silentBefore)
    {
        var needs = devices.Needs();
        var silent = new List<DeviceNeed>();
        var commits = new CommitPrefixes(data.Repository, needs.SelectMany(need => need.Others));
        foreach (var need in needs)
        {
            var who = $"device {need.Device}{(need.Name.Length > 0 ? $" ({need.Name})" : "")}";
            Add(need.Running, $"{who} runs it");
            Add(need.Wanted, $"{who} has it staged");
            Add(need.Pinned, $"{who} is pinned to it");
            foreach (var commit in need.Others.SelectMany(commits.Find))
                Add(commit, $"{who} may fall back to it");
            if (need.LastSeen < silentBefore)
                silent.Add(need);
        }
        Silent = silent;

        void Add(ObjectId? commit, string reason)
        {
            // A device may run what was published on another server.
            if (commit is { } id && IsThere(id))
                kept.Add(id, reason);
        }
    }

    private bool IsThere(ObjectId commit) => data.Repository.Contains(new ObjectName(ObjectKind.Commit, commit));
}
