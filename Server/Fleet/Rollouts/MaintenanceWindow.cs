using System.Globalization;

namespace ContentTree.Server.Fleet.Rollouts;

/// <summary>Hours of the day, UTC, such as <c>22:00-04:00</c>.</summary>
internal sealed record MaintenanceWindow(TimeOnly From, TimeOnly To)
{
    /// <exception cref="FormatException">It is none.</exception>
    public static MaintenanceWindow Parse(string text) => text.Split('-') is [var from, var to] && TryParse(from) is { } start && TryParse(to) is { } end && start != end
        ? new MaintenanceWindow(start, end)
        : throw new FormatException($"'{text}' is no window: hours such as 22:00-04:00, UTC");

    public bool Contains(DateTimeOffset time) => TimeOnly.FromDateTime(time.UtcDateTime).IsBetween(From, To);

    private static TimeOnly? TryParse(string text) =>
        TimeOnly.TryParseExact(text, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time) ? time : null;
}
