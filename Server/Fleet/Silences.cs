using System.Data.Common;
using System.Text.Json.Nodes;
using ContentTree.Server.Commands;
using ContentTree.Server.Storage;
using ContentTree.Server.Webhooks;

namespace ContentTree.Server.Fleet;

/// <summary>
/// Which devices have fallen silent, and who is told of it when they do and when they speak again: of each device by itself while they are few,
/// and of all together when a site comes and goes. What was told stands beside the device, so that nobody hears of a silence twice.
/// </summary>
/// <param name="interval">Between two polls of a device.</param>
internal sealed class Silences(Database database, Outbox outbox, TimeProvider time, TimeSpan interval)
{
    /// <summary>Devices that are told of one by one in an interval.</summary>
    public const int MaxSingle = 20;

    private const long Never = 1_000_000_000;
    private const string IsNews = "state = 'accepted' AND silent IS NOT NULL AND silent_told IS NULL";
    private const string IsOver = "state = 'accepted' AND silent IS NULL AND silent_told IS NOT NULL";

    private readonly News _silent = new(WebhookEvent.Silent, WebhookEvent.ManySilent, IsNews, "silent_told = $now");
    private readonly News _back = new(WebhookEvent.Back, WebhookEvent.ManyBack, IsOver, "silent_told = NULL");

    /// <summary>When any device was last heard of.</summary>
    public DateTimeOffset? Newest()
    {
        using var connection = database.Connect();
        return connection.Query("SELECT max(last_seen) AS newest FROM devices", row => row.TimeOrNull("newest"))[0];
    }

    /// <summary>Notes which devices have fallen silent; how many.</summary>
    /// <param name="polls">What a device may miss whose groups do not say; 0 for any number.</param>
    public int Mark(int polls)
    {
        var now = time.GetUtcNow();
        using var connection = database.Connect();
        // Not while somebody tells of those that were marked before: what is marked in between would count as told.
        using var transaction = connection.BeginWriting();
        var usual = polls > 0 ? polls : Never;
        var least = connection.Query("SELECT min(silent_polls) AS least FROM groups WHERE silent_polls > 0", row => row.NumberOrNull("least"))[0] is { } own && own < usual ? own : usual;
        // Nearly all devices are sorted out by when they were last seen, which has an index.
        var marked = connection.Execute("""
            UPDATE devices SET silent = $now WHERE state = 'accepted' AND silent IS NULL AND last_seen < $latest AND last_seen < $now - $interval * coalesce((
              SELECT CASE WHEN g.silent_polls = 0 THEN $never ELSE g.silent_polls END FROM group_members m JOIN groups g ON g.name = m.group_name
              WHERE m.device = devices.id AND g.silent_polls IS NOT NULL ORDER BY g.rank, g.name LIMIT 1), $usual)
            """, ("$now", now), ("$latest", now.ToUnixTimeSeconds() - least * Seconds), ("$interval", Seconds), ("$never", Never), ("$usual", usual));
        transaction.Commit();
        return marked;
    }

    /// <summary>Tells of what nobody was told yet, as far as that is no flood.</summary>
    public void Tell()
    {
        using var connection = database.Connect();
        Tell(connection, _silent);
        Tell(connection, _back);
    }

    private long Seconds => Math.Max(1, (long)interval.TotalSeconds);

    private void Tell(DbConnection connection, News news)
    {
        var now = time.GetUtcNow();
        using var transaction = connection.BeginWriting();
        var count = connection.Query($"SELECT count(*) AS number FROM devices WHERE {news.Condition}", row => row.Number("number"))[0];
        if (count == 0 || !news.MayTell(count, now, interval))
            return;
        var some = connection.Query($"SELECT id, name, branch, last_seen, silent FROM devices WHERE {news.Condition} ORDER BY last_seen, id LIMIT {MaxSingle}", Describe);
        if (news.IsFew(count))
        {
            foreach (var device in some)
                outbox.Add(connection, news.One, device);
        }
        else
        {
            var all = connection.Query("SELECT count(*) AS number FROM devices WHERE state = 'accepted' AND silent IS NOT NULL", row => row.Number("number"))[0];
            outbox.Add(connection, news.Many, new JsonObject { ["count"] = count, ["silent"] = all, ["branches"] = Branches(connection, news), ["devices"] = new JsonArray([.. some]) });
        }
        connection.Execute($"UPDATE devices SET {news.Done} WHERE {news.Condition}", ("$now", now));
        transaction.Commit();
        news.Told(count, now);
    }

    private static JsonObject Branches(DbConnection connection, News news) =>
        new(connection.Query($"SELECT branch, count(*) AS number FROM devices WHERE {news.Condition} GROUP BY branch ORDER BY branch", row => KeyValuePair.Create<string, JsonNode?>(row.Text("branch"), row.Number("number"))));

    private static JsonObject Describe(DbDataReader row) => new()
    {
        ["device"] = row.Text("id"),
        ["name"] = row.Text("name"),
        ["branch"] = row.Text("branch"),
        ["lastSeen"] = Printing.Time(row.Time("last_seen")),
    };

    /// <summary>One kind of thing to tell, and how much of it was told lately.</summary>
    private sealed class News(string one, string many, string condition, string done)
    {
        private readonly Queue<DateTimeOffset> _singles = new();
        private DateTimeOffset _gathered = DateTimeOffset.MinValue;

        public string One => one;

        public string Many => many;

        public string Condition => condition;

        /// <summary>What makes it told.</summary>
        public string Done => done;

        public bool IsFew(long count) => _singles.Count + count <= MaxSingle;

        public bool MayTell(long count, DateTimeOffset now, TimeSpan interval)
        {
            while (_singles.TryPeek(out var oldest) && now - oldest >= interval)
                _singles.Dequeue();
            return IsFew(count) || now - _gathered >= interval;
        }

        public void Told(long count, DateTimeOffset now)
        {
            var isFew = IsFew(count);
            if (!isFew)
                _gathered = now;
            // After a word for many the next few wait as well: they are most likely of the same kind.
            for (var left = isFew ? count : MaxSingle; left > 0; left--)
                _singles.Enqueue(now);
        }
    }
}
