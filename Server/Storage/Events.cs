using System.Data.Common;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Storage;

/// <summary>What devices reported. An event is known by its device and sequence, so a repeated report changes nothing.</summary>
internal sealed class Events(Database database)
{
    /// <summary>Events kept of one device.</summary>
    public const int Kept = 1000;

    /// <summary>Stores events and says how far none is missing.</summary>
    /// <param name="device">Whose they are.</param>
    /// <param name="events">In the order of their sequences.</param>
    /// <param name="tell">Hears, within the same transaction, which of them come after all that were known: what is sent again is no news.</param>
    public long Store(KeyId device, IReadOnlyList<ReportEvent> events, Action<DbConnection, IReadOnlyList<ReportEvent>> tell)
    {
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting(device);
        var received = connection.Query("SELECT received FROM devices WHERE id = $id", row => row.GetInt64(0), ("$id", device)) is [var known] ? known : 0;
        var newest = connection.Query("SELECT coalesce(max(sequence), 0) FROM events WHERE device = $id", row => row.GetInt64(0), ("$id", device))[0];
        // A device sends its oldest first: what is missing before its first event it has no more, so it would never come.
        if (events.Count > 0 && events[0].Sequence > received)
            received = events[0].Sequence - 1;
        foreach (var item in events)
        {
            connection.Execute("""
                INSERT INTO events (device, sequence, time, kind, commit_id, deployment, code, message)
                VALUES ($device, $sequence, $time, $kind, $commit, $deployment, $code, $message) ON CONFLICT DO NOTHING
                """,
                ("$device", device), ("$sequence", item.Sequence), ("$time", item.Time), ("$kind", item.Kind), ("$commit", item.Commit),
                ("$deployment", item.Deployment), ("$code", item.Code), ("$message", item.Message));
            if (item.Sequence == received + 1)
                received++;
        }
        connection.Execute("UPDATE devices SET received = $received, trouble = CASE WHEN $any <> 0 THEN $trouble ELSE trouble END WHERE id = $id",
            ("$id", device), ("$received", received), ("$any", events.Count > 0), ("$trouble", events.Count > 0 ? events[^1].Code : 0));
        connection.Execute("""
            DELETE FROM events WHERE device = $device AND sequence <= (SELECT max(sequence) FROM events WHERE device = $device) - $kept
            """, ("$device", device), ("$kept", Kept));
        ReportEvent[] news = [.. events.Where(e => e.Sequence > newest)];
        if (news.Length > 0)
        {
            tell(connection, news);
            ChangeBell.Ring(connection);
        }
        transaction.Commit();
        return received;
    }

    /// <summary>What went wrong last on any device, newest first by the devices' clocks, none of it in the future.</summary>
    /// <param name="groups">Only on devices of these; null for all.</param>
    public IReadOnlyList<(KeyId Device, string Name, ReportEvent Event)> NewestTrouble(DateTimeOffset since, DateTimeOffset now, int limit, IReadOnlyList<string>? groups = null)
    {
        var within = FleetFilter.All.Within(groups);
        using var connection = database.Connect();
        return connection.Query($"""
            SELECT e.*, d.name FROM events e JOIN devices d ON d.id = e.device
            WHERE e.code <> 0 AND e.time > $since AND e.time <= $now AND {within.Sql} ORDER BY e.time DESC LIMIT $limit
            """, row => (KeyId.Parse(row.Text("device")), row.Text("name"), Read(row)), [("$since", since), ("$now", now), ("$limit", limit), .. within.Parameters]);
    }

    /// <summary>The newest events of a device, newest first.</summary>
    public IReadOnlyList<ReportEvent> Newest(KeyId device, int limit)
    {
        using var connection = database.Connect();
        return connection.Query("SELECT * FROM events WHERE device = $device ORDER BY sequence DESC LIMIT $limit", Read, ("$device", device), ("$limit", limit));
    }

    private static ReportEvent Read(DbDataReader row) => new(
        row.Number("sequence"), row.Time("time"), row.Text("kind"),
        row.TextOrNull("commit_id") is { } commit ? ObjectId.Parse(commit) : null, row.TextOrNull("deployment"),
        (int)row.Number("code"), row.TextOrNull("message"));
}
