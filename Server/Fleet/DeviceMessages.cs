using System.Globalization;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Fleet;

/// <summary>What a device may say of itself. It is shown on terminals: a device must not be able to steer one.</summary>
internal static class DeviceMessages
{
    private const int MaxText = 200;
    private const int BootIdDigits = 8;
    private const int MaxMessage = 4096;

    /// <exception cref="FormatException">A field is too long or has control characters.</exception>
    public static void RequireText(string field, string text)
    {
        if (text.Length > MaxText || text.Any(IsSteering))
            throw new FormatException($"{field} is longer than {MaxText} characters or has control characters");
    }

    // Also what turns the direction of text, or ends a line in some programs: people compare names and serials by eye.
    private static bool IsSteering(char c) => char.IsControl(c) || char.GetUnicodeCategory(c) is UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;

    /// <exception cref="FormatException">A field has another form.</exception>
    public static void Require(PollRequest poll)
    {
        RequireText("boot", poll.Boot);
        if (poll.BootId is { } bootId && (bootId.Length != BootIdDigits || !bootId.All(char.IsAsciiHexDigitLower)))
            throw new FormatException($"bootId is {BootIdDigits} lower-case hex digits");
        if (poll.Kept is { } kept && (kept.Count > PollRequest.MaxKept || kept.Any(k => k?.Length != PollRequest.KeptDigits || !k.All(char.IsAsciiHexDigitLower))))
            throw new FormatException($"kept are at most {PollRequest.MaxKept} starts of commits, {PollRequest.KeptDigits} lower-case hex digits each");
        if (poll.Inventory is { } told)
            Require(told);
        if (poll.Drift is { } drift)
            Require(drift);
    }

    private static void Require(DeviceDrift drift)
    {
        if (new[] { drift.Added, drift.Changed, drift.Removed }.Any(count => count is < 0 or > DeviceDrift.MaxCount))
            throw new FormatException($"drift counts from 0 to {DeviceDrift.MaxCount}");
        if (drift.Paths is { } paths && (paths.Count > DeviceDrift.MaxPaths || paths.Count > drift.Count() || !paths.All(IsDriftPath)))
            throw new FormatException($"drift names at most {DeviceDrift.MaxPaths} paths, each behind '+', '~' or '-', of at most {DeviceDrift.MaxPath} characters that can be shown, and no more than it counts");
    }

    private static bool IsDriftPath(string? path) =>
        path is ['+' or '~' or '-', _, ..] && path.Length <= DeviceDrift.MaxPath + 1 && !path.Any(IsSteering);

    private static void Require(DeviceInventory told)
    {
        RequireText("agent", told.Agent ?? "");
        RequireText("kernel", told.Kernel ?? "");
        if (told is { Memory: < 0 } or { Size: < 0 } or { Free: < 0 } or { Inodes: < 0 })
            throw new FormatException("an inventory's numbers are not below 0");
    }

    /// <summary>Events as they are kept.</summary>
    /// <exception cref="FormatException">They are out of order, or a field has another form.</exception>
    public static IReadOnlyList<ReportEvent> Checked(IReadOnlyList<ReportEvent> reported)
    {
        var last = 0L;
        foreach (var item in reported)
        {
            if (item is null || item.Sequence <= last)
                throw new FormatException("events do not rise by sequence from 1");
            last = item.Sequence;
            RequireText("kind", item.Kind);
            RequireText("deployment", item.Deployment ?? "");
            if (item.Message?.Length > MaxMessage)
                throw new FormatException($"message is longer than {MaxMessage} characters");
        }
        return [.. reported.Select(e => e with { Message = Printable(e.Message) })];
    }

    // Shown on terminals and in logs as well. Not refused: one odd message would hold up all events after it.
    private static string? Printable(string? message) =>
        message is null ? null : string.Concat(message.Select(c => IsSteering(c) ? ' ' : c));
}
