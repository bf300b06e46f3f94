using System.Data.Common;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Storage;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet.Rollouts;

/// <summary>What became of the devices that a rollout has told, in numbers for people to look at.</summary>
internal static class RolloutFigures
{
    // Points of a curve: more than anybody sees.
    private const int Steps = 120;

    internal sealed record Tally(long Told, long Confirmed, long Failed);

    /// <summary>Devices that failed with the same words; the first of them by name.</summary>
    internal sealed record Failure(string Reason, long Count, IReadOnlyList<(KeyId Id, string Name, int Wave, DateTimeOffset Since)> Devices);

    /// <summary>How many had done it by then.</summary>
    internal sealed record Point(DateTimeOffset Time, long Confirmed, long Failed);

    /// <summary>Of the rollouts between two numbers.</summary>
    public static IReadOnlyDictionary<long, Tally> Tallies(DbConnection connection, long first, long last) => connection.Query("""
        SELECT rollout, count(*) AS told, count(CASE WHEN state = 'confirmed' THEN 1 END) AS confirmed, count(CASE WHEN state = 'failed' THEN 1 END) AS failed
        FROM rollout_devices WHERE rollout BETWEEN $first AND $last GROUP BY rollout
        """, row => KeyValuePair.Create(row.Number("rollout"), new Tally(row.Number("told"), row.Number("confirmed"), row.Number("failed"))), ("$first", first), ("$last", last)).ToDictionary();

    /// <summary>The failed devices by what they said of it, the most frequent first.</summary>
    /// <param name="connection">The database.</param>
    /// <param name="id">The rollout.</param>
    /// <param name="reasons">At most so many reasons.</param>
    /// <param name="devices">At most so many devices of each.</param>
    /// <param name="groups">Only devices of these; null for all.</param>
    public static IReadOnlyList<Failure> Failures(DbConnection connection, long id, int reasons, int devices, IReadOnlyList<string>? groups = null) => Failures(connection, id, reasons, devices, FleetFilter.All.Within(groups));

    private static IReadOnlyList<Failure> Failures(DbConnection connection, long id, int reasons, int devices, FleetFilter within) => [.. connection.Query($"""
        SELECT * FROM (
          SELECT f.*, count(*) OVER (PARTITION BY f.message) AS alike, row_number() OVER (PARTITION BY f.message ORDER BY f.name, f.device) AS place FROM (
            SELECT o.device, d.name, o.wave, o.since, coalesce((SELECT e.message FROM events e JOIN rollouts r ON r.id = o.rollout
              WHERE e.device = o.device AND e.commit_id = r.commit_id AND e.code <> 0 ORDER BY e.sequence DESC LIMIT 1), '') AS message
            FROM rollout_devices o JOIN devices d ON d.id = o.device WHERE o.rollout = $id AND o.state = 'failed' AND {within.Sql}) f) g
        WHERE g.place <= $devices ORDER BY g.alike DESC, g.message, g.place LIMIT $limit
        """, row => (Reason: row.Text("message"), Count: row.Number("alike"), Device: (KeyId.Parse(row.Text("device")), row.Text("name"), (int)row.Number("wave"), row.Time("since"))),
        [("$id", id), ("$devices", devices), ("$limit", reasons * devices), .. within.Parameters])
        .GroupBy(f => (f.Reason, f.Count)).Take(reasons).Select(g => new Failure(g.Key.Reason, g.Key.Count, [.. g.Select(f => f.Device)]))];

    /// <summary>How it went from one time to another.</summary>
    public static IReadOnlyList<Point> Curve(DbConnection connection, long id, DateTimeOffset from, DateTimeOffset to)
    {
        var step = Math.Max(1, ((long)(to - from).TotalSeconds + Steps - 1) / Steps);
        var done = connection.Query("""
            SELECT (since - $from) / $step AS place, count(CASE WHEN state = 'confirmed' THEN 1 END) AS confirmed, count(CASE WHEN state = 'failed' THEN 1 END) AS failed
            FROM rollout_devices WHERE rollout = $id AND state <> 'offered' GROUP BY 1 ORDER BY 1
            """, row => (Place: row.Number("place"), Confirmed: row.Number("confirmed"), Failed: row.Number("failed")), ("$id", id), ("$from", from), ("$step", step));
        var (points, confirmed, failed) = (new List<Point>(), 0L, 0L);
        foreach (var (place, more, worse) in done)
        {
            (confirmed, failed) = (confirmed + more, failed + worse);
            points.Add(new Point(from.AddSeconds((place + 1) * step), confirmed, failed));
        }
        return points;
    }
}
