using System.Text.Json.Nodes;
using ContentTree.Server.Fleet;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Commands;

/// <summary>What a garbage collection did, for people and for programs.</summary>
internal sealed class GcReport(Terminal terminal, Repository repository, bool dryRun, bool json)
{
    private const string Young = "younger than the grace period, promised to a publish that is under way, or a part of such a commit";

    private string Verb => dryRun ? "would remove" : "removed";

    public void Print(CollectedGarbage garbage, KeptCommits kept, IReadOnlyList<DeviceNeed> silent, (int Removed, long Bytes) deltas)
    {
        if (json)
        {
            terminal.PrintJson("ctree-server.gc/1", ToJson(garbage, kept, silent, deltas));
            return;
        }
        terminal.Out.WriteLine($"{Verb} {garbage.Removed} objects, {garbage.Bytes} bytes; {garbage.Kept} stay");
        if (deltas.Removed > 0)
            terminal.Out.WriteLine($"{Verb} {deltas.Removed} deltas, {deltas.Bytes} bytes");
        if (dryRun)
            PrintCommits(garbage, kept);
        foreach (var need in silent)
            terminal.Error.WriteLine($"device {need.Device} {need.Name} was last heard of at {Printing.Time(need.LastSeen)} and still keeps commits; 'device remove {need.Device}' ends that");
    }

    private void PrintCommits(CollectedGarbage garbage, KeptCommits kept)
    {
        foreach (var commit in garbage.Commits)
            terminal.Out.WriteLine($"remove  {Describe(commit)}");
        foreach (var commit in kept.BeyondBranches)
            terminal.Out.WriteLine($"keep    {Describe(commit)}: {string.Join("; ", kept.ReasonsOf(commit))}");
        foreach (var commit in garbage.Spared)
            terminal.Out.WriteLine($"keep    {Describe(commit)}: {Young}");
    }

    private JsonObject ToJson(CollectedGarbage garbage, KeptCommits kept, IReadOnlyList<DeviceNeed> silent, (int Removed, long Bytes) deltas) => new()
    {
        ["dryRun"] = dryRun,
        ["objects"] = garbage.Removed,
        ["bytes"] = garbage.Bytes,
        ["left"] = garbage.Kept,
        ["deltas"] = deltas.Removed,
        ["deltaBytes"] = deltas.Bytes,
        ["removed"] = new JsonArray([.. garbage.Commits.Select(c => JsonValue.Create(c.ToString()))]),
        ["kept"] = new JsonArray([.. kept.All.Select(c => Because(c, kept.ReasonsOf(c))).Concat(garbage.Spared.Select(c => Because(c, [Young])))]),
        ["silent"] = new JsonArray([.. silent.Select(need => new JsonObject { ["device"] = need.Device.ToString(), ["name"] = need.Name, ["lastSeen"] = Printing.Time(need.LastSeen) })]),
    };

    private static JsonObject Because(ObjectId commit, IReadOnlyList<string> reasons) => new()
    {
        ["commit"] = commit.ToString(),
        ["because"] = new JsonArray([.. reasons.Select(r => JsonValue.Create(r))]),
    };

    private string Describe(ObjectId id)
    {
        try
        {
            var commit = repository.ReadCommit(id);
            return string.Join(' ', new[] { Printing.Short(id), Printing.Time(commit.Created), commit.Version, commit.Subject }.Where(t => t.Length > 0));
        }
        catch (Exception e) when (e is CorruptObjectException or ObjectNotFoundException)
        {
            return Printing.Short(id);
        }
    }
}
