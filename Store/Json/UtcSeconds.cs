using System.Globalization;

namespace ContentTree.Store.Json;

/// <summary>Points in time as they stand in signed data: UTC, whole seconds, <c>2026-11-21T03:45:00Z</c>.</summary>
internal static class UtcSeconds
{
    private const string Pattern = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    public static string Format(DateTimeOffset time) => time.UtcDateTime.ToString(Pattern, CultureInfo.InvariantCulture);

    public static bool TryParse(string text, out DateTimeOffset time) =>
        DateTimeOffset.TryParseExact(text, Pattern, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out time) &&
        Format(time) == text;

    /// <summary>The same moment in UTC without fractions of a second.</summary>
    public static DateTimeOffset Truncate(DateTimeOffset time) =>
        new(time.UtcTicks - time.UtcTicks % TimeSpan.TicksPerSecond, TimeSpan.Zero);
}
