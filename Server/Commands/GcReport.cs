using System.Text.Json;
using System.Text.Json.Nodes;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary>What a garbage collection did, for people and for programs.</summary>
internal static class GcReport
{
    public static void Print(Terminal terminal, GarbageInfo garbage, bool json)
    {
        if (json)
        {
            terminal.PrintJson("ctree-server.gc/1", JsonSerializer.SerializeToNode(garbage, ProtocolJson.Default.GarbageInfo) as JsonObject ?? []);
            return;
        }
        var verb = garbage.DryRun ? "would remove" : "removed";
        terminal.Out.WriteLine($"{verb} {garbage.Objects} objects, {garbage.Bytes} bytes; {garbage.Left} stay");
        if (garbage.Deltas > 0)
            terminal.Out.WriteLine($"{verb} {garbage.Deltas} deltas, {garbage.DeltaBytes} bytes");
        if (garbage.DryRun)
            PrintCommits(terminal, garbage);
        foreach (var silent in garbage.Silent)
            terminal.Error.WriteLine($"device {silent.Device} {silent.Name} was last heard of at {Printing.Time(silent.LastSeen)} and still keeps commits; 'device remove {silent.Device}' ends that");
    }

    private static void PrintCommits(Terminal terminal, GarbageInfo garbage)
    {
        foreach (var commit in garbage.Removed)
            terminal.Out.WriteLine($"remove  {Describe(garbage, commit)}");
        foreach (var kept in garbage.Kept.Where(k => !k.ByBranch))
            terminal.Out.WriteLine($"keep    {Describe(garbage, kept.Commit)}: {string.Join("; ", kept.Because)}");
    }

    private static string Describe(GarbageInfo garbage, ObjectId id) => $"{Printing.Short(id)} {garbage.About.GetValueOrDefault(id.ToString())}".TrimEnd();
}
