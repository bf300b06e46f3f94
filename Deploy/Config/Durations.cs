using System.Globalization;

namespace ContentTree.Deploy.Config;

/// <summary>Lengths of time as people write them: <c>500ms</c>, <c>30s</c>, <c>5min</c>, <c>2h</c>, <c>1d</c>.</summary>
internal static class Durations
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(36_500);

    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = default;
        var digits = text.TakeWhile(char.IsAsciiDigit).Count();
        double milliseconds = text[digits..] switch { "ms" => 1, "s" => 1e3, "min" => 60e3, "h" => 3600e3, "d" => 86400e3, _ => 0 };
        if (milliseconds == 0 || digits > 9 || !long.TryParse(text[..digits], NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return false;
        // More than a century is a slip of the finger, and more than the framework can hold.
        if (number * milliseconds > Longest.TotalMilliseconds)
            return false;
        duration = TimeSpan.FromMilliseconds(number * milliseconds);
        return true;
    }
}
