using ContentTree.Server.Storage;

namespace ContentTree.Server.Monitoring;

/// <summary>What was sent to devices in an hour, and what deltas made without its being sent: a guess.</summary>
internal sealed record TrafficHour(DateTimeOffset Hour, long Sent, long Saved);

/// <summary>What was sent, hour by hour, by all servers of a database; a week is kept.</summary>
internal sealed class TrafficBook(Database database)
{
    private const int Hour = 3600;
    private const int Hours = 24;
    private static readonly TimeSpan Kept = TimeSpan.FromDays(7);

    /// <summary>Writes down what was sent since the last time.</summary>
    public void Add(DateTimeOffset now, long sent, long saved)
    {
        using var connection = database.ConnectHastily();
        using var transaction = connection.BeginWriting();
        connection.Execute("""
            INSERT INTO traffic (hour, sent, saved) VALUES ($hour, $sent, $saved)
            ON CONFLICT (hour) DO UPDATE SET sent = traffic.sent + $sent, saved = traffic.saved + $saved
            """, ("$hour", Start(now)), ("$sent", sent), ("$saved", saved));
        connection.Execute("DELETE FROM traffic WHERE hour < $old", ("$old", now - Kept));
        transaction.Commit();
    }

    /// <summary>The last 24 hours, this one last; also those in which nothing was sent.</summary>
    public IReadOnlyList<TrafficHour> LastDay(DateTimeOffset now)
    {
        var first = Start(now) - (Hours - 1) * Hour;
        using var connection = database.Connect();
        var found = connection.Query("SELECT hour, sent, saved FROM traffic WHERE hour >= $first", row => (Hour: row.Number("hour"), Sent: row.Number("sent"), Saved: row.Number("saved")), ("$first", first)).ToDictionary(h => h.Hour);
        return [.. Enumerable.Range(0, Hours).Select(i => first + i * Hour).Select(hour => found.TryGetValue(hour, out var known)
            ? new TrafficHour(DateTimeOffset.FromUnixTimeSeconds(hour), known.Sent, known.Saved)
            : new TrafficHour(DateTimeOffset.FromUnixTimeSeconds(hour), 0, 0))];
    }

    private static long Start(DateTimeOffset now) => now.ToUnixTimeSeconds() / Hour * Hour;
}
