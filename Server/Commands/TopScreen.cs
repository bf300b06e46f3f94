using System.Globalization;
using ContentTree.Server.Fleet;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary>The fleet in lines of eighty columns.</summary>
internal static class TopScreen
{
    public const int Width = 80;

    private const int Bar = 16;

    /// <param name="place">Where that was looked at.</param>
    /// <param name="trouble">Why this is not as of now; empty when it is.</param>
    public static IEnumerable<string> Lines(OverviewInfo seen, string place, string trouble = "") => All(seen, place, trouble).Select(Fit);

    private static IEnumerable<string> All(OverviewInfo seen, string place, string trouble)
    {
        yield return $"{Printing.Time(seen.Time)}  {place}{(trouble.Length > 0 ? $"  {trouble}" : "")}";
        var sum = seen.Branches.SelectMany(b => b.Standings).GroupBy(s => s.Key).ToDictionary(g => g.Key, g => g.Sum(s => s.Value));
        long Of(Standing standing) => sum.GetValueOrDefault(Standings.Word(standing));
        yield return $"devices {sum.Values.Sum() - Of(Standing.Pending) - Of(Standing.Rejected)}: {Words(sum, Standing.Pending, Standing.Rejected)}";
        string[] wants = [.. Wants(seen, Of)];
        yield return wants.Length > 0 ? $"wants attention: {string.Join(", ", wants)}" : "nothing wants attention";
        yield return "";
        yield return $"{"BRANCH",-24} {"DEVICES",7} {"IN SYNC",-(Bar + 7)} REST";
        foreach (var branch in seen.Branches)
            yield return Line(branch);
        if (seen.Rollouts.Count == 0)
            yield break;
        yield return "";
        yield return $"{"ROLLOUT",-28} {"STATE",-8} {"WAVE",-5} {"CONFIRMED",-11} {"FAILED",-6} NOTE";
        foreach (var rollout in seen.Rollouts)
            yield return Line(rollout);
    }

    private static IEnumerable<string> Wants(OverviewInfo seen, Func<Standing, long> of)
    {
        (long Count, string Word)[] all =
        [
            (of(Standing.Pending), "to approve"), (of(Standing.FellBack), "fell back"), (of(Standing.Silent), "silent"), (seen.LowSpace, "low space"), (of(Standing.Ahead), "ahead"), (seen.Cloned, "cloned"), (seen.Forked, "forked"),
            (seen.Rollouts.Count(r => r.State == "paused"), "rollouts paused"), (seen.Rollouts.Count(r => r.State == "waiting"), "rollouts waiting"),
        ];
        var wants = all.Where(w => w.Count > 0).Select(w => $"{w.Count} {w.Word}");
        return seen.OldBackup is { } made ? wants.Append($"last backup {(long)(seen.Time - made).TotalDays} days old") : wants;
    }

    private static string Line(OverviewBranch branch)
    {
        long Of(Standing standing) => branch.Standings.GetValueOrDefault(Standings.Word(standing));
        var accepted = branch.Devices - Of(Standing.Pending) - Of(Standing.Rejected);
        var share = accepted == 0 ? 0 : Of(Standing.InSync) / (double)accepted;
        // Not full before all are.
        var full = (int)(share * Bar);
        return string.Create(CultureInfo.InvariantCulture, $"{Short($"{branch.Branch}", 24),-24} {accepted,7} [{new string('#', full)}{new string('.', Bar - full)}] {(int)(share * 100),3}% {Words(branch.Standings, Standing.InSync, Standing.Pending, Standing.Rejected)}");
    }

    private static string Line(RolloutInfo rollout)
    {
        RolloutWaveInfo[] reached = [.. (rollout.Waves ?? []).Take(rollout.Wave + 1)];
        return $"{Short($"{rollout.Id} {rollout.Scope}", 28),-28} {rollout.State,-8} {$"{rollout.Wave + 1}/{rollout.Plan.Waves.Count}",-5} {$"{reached.Sum(w => w.Confirmed)}/{reached.Sum(w => w.Devices)}",-11} {reached.Sum(w => w.Failed),-6} {rollout.Note}";
    }

    private static string Words(IReadOnlyDictionary<string, long> standings, params ReadOnlySpan<Standing> without)
    {
        var words = new List<string>();
        foreach (var standing in Enum.GetValues<Standing>())
        {
            if (!without.Contains(standing) && standings.GetValueOrDefault(Standings.Word(standing)) is > 0 and var count)
                words.Add($"{count} {(standing == Standing.Unknown ? "nothing yet" : Standings.Word(standing))}");
        }
        return string.Join(", ", words);
    }

    private static string Short(string text, int most) => text.Length <= most ? text : text[..(most - 1)] + "~";

    // A server elsewhere may say anything: nothing that it says steers the terminal.
    private static string Fit(string line) => Short(string.Concat(line.Select(c => char.IsControl(c) ? ' ' : c)), Width).TrimEnd();
}
