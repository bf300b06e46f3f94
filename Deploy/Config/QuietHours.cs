using System.Globalization;

namespace ContentTree.Deploy.Config;

/// <summary>A time of every day, <c>22:00-06:00</c> as the device's clock on the wall shows it, or <c>22:00-06:00 UTC</c>.</summary>
internal sealed record QuietHours(TimeOnly From, TimeOnly To, bool IsUtc)
{
    private const string Utc = " UTC";

    /// <summary>Null for what is no such time.</summary>
    public static QuietHours? TryParse(string text)
    {
        var isUtc = text.EndsWith(Utc, StringComparison.Ordinal);
        return (isUtc ? text[..^Utc.Length] : text).Split('-') is [var from, var to] && TryTime(from, out var start) && TryTime(to, out var end) && start != end
            ? new QuietHours(start, end, isUtc)
            : null;
    }

    /// <summary>How long the quiet still lasts; zero outside of it.</summary>
    public TimeSpan Left(TimeProvider clock)
    {
        var now = TimeOnly.FromTimeSpan((IsUtc ? clock.GetUtcNow() : clock.GetLocalNow()).TimeOfDay);
        // Both subtractions wrap at midnight.
        return now.IsBetween(From, To) ? To - now : TimeSpan.Zero;
    }

    private static bool TryTime(string text, out TimeOnly time) =>
        TimeOnly.TryParseExact(text, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out time);
}
