using ContentTree.Server.Storage;

namespace ContentTree.Server.Monitoring;

/// <summary>What was sent to devices in an hour, and what deltas made without its being sent: a guess.</summary>
/// <param name="Found">How often a device began to fetch a delta.</param>
/// <param name="Missed">How often one wanted a delta that was not there.</param>
internal sealed record TrafficHour(DateTimeOffset Hour, long Sent, long Saved, long Found, long Missed);

/// <summary>What was sent, hour by hour, by all servers of a database; a week is kept.</summary>
internal sealed class TrafficBook(Database database)
{
    private const int Hour = 3600;
    private const int Hours = 24;
    private static readonly TimeSpan Kept = TimeSpan.FromDays(7);

    /// <summary>Writes down what was sent since the last time.</summary>
    public void Add(DateTimeOffset now, long sent, long saved, long found = 0, long missed = 0)
    {
        using var connection = database.ConnectHastily();
        using var transaction = connection.BeginWriting();
        connection.Execute("""
            INSERT INTO traffic (hour, sent, saved, found, missed) VALUES ($hour, $sent, $saved, $found, $missed)
            ON CONFLICT (hour) DO UPDATE SET sent = traffic.sent + $sent, saved = traffic.saved + $saved, found = traffic.found + $found, missed = traffic.missed + $missed
            """, ("$hour", Start(now)), ("$sent", sent), ("$saved", saved), ("$found", found), ("$missed", missed));
        connection.Execute("DELETE FROM traffic WHERE hour < $old", ("$old", now - Kept));
        transaction.Commit();
    }

    /// <summary>The last 24 hours, this one last; also those in which nothing was sent.</summary>
    public IReadOnlyList<TrafficHour> LastDay(DateTimeOffset now)
    {
        var first = Start(now) - (Hours - 1) * Hour;
        using var connection = database.Connect();
        var known = connection.Query("SELECT hour, sent, saved, found, missed FROM traffic WHERE hour >= $first",
            row => new TrafficHour(DateTimeOffset.FromUnixTimeSeconds(row.Number("hour")), row.Number("sent"), row.Number("saved"), row.Number("found"), row.Number("missed")), ("$first", first)).ToDictionary(h => h.Hour);
        return [.. Enumerable.Range(0, Hours).Select(i => DateTimeOffset.FromUnixTimeSeconds(first + i * Hour)).Select(hour => known.GetValueOrDefault(hour) ?? new TrafficHour(hour, 0, 0, 0, 0))];
    }

    private static long Start(DateTimeOffset now) => now.ToUnixTimeSeconds() / Hour * Hour;
}
