using System.Data.Common;
using System.Text.Json;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet.Rollouts;

/// <summary>The rollouts and what became of each device in them. All of their state is here: a server may end at any point.</summary>
internal static class RolloutBook
{
    // What a device says of itself, the newest of it; more than any has ever tried at a time.
    private const int MaxRefusals = 50;

    /// <summary>Writes down a new one; its number.</summary>
    public static Rollout Add(DbConnection connection, Rollout rollout)
    {
        var id = connection.Query("""
            INSERT INTO rollouts (id, scope, branch, commit_id, sequence, baseline, plan, author, reason, created, state, wave, note, approved, forgiven)
            VALUES ((SELECT coalesce(max(id), 0) + 1 FROM rollouts), $scope, $branch, $commit, $sequence, $baseline, $plan, $by, $reason, $created, $state, 0, $note, '', 0) RETURNING id
            """, row => row.GetInt64(0),
            ("$scope", rollout.Scope), ("$branch", rollout.Branch), ("$commit", rollout.Commit), ("$sequence", rollout.Sequence), ("$baseline", rollout.Baseline),
            ("$plan", JsonSerializer.Serialize(rollout.Plan.Written, ProtocolJson.Default.RolloutPlan)), ("$by", rollout.By), ("$reason", rollout.Reason), ("$created", rollout.Created),
            ("$state", Word(rollout.State)), ("$note", rollout.Note))[0];
        FleetStamp.Raise(connection);
        return rollout with { Id = id };
    }

    /// <summary>Writes down where it is now, if it still is where it was seen.</summary>
    public static bool TryMove(DbConnection connection, Rollout seen, Rollout next)
    {
        var moved = connection.Execute("""
            UPDATE rollouts SET state = $state, wave = $wave, reached = $reached, ended = $ended, note = $note, approved = $approved, forgiven = $forgiven, missed = $missed
            WHERE id = $id AND state = $seenState AND wave = $seenWave AND forgiven = $seenForgiven
            """,
            ("$seenForgiven", seen.Forgiven),
            ("$id", seen.Id), ("$seenState", Word(seen.State)), ("$seenWave", seen.Wave), ("$state", Word(next.State)), ("$wave", next.Wave), ("$reached", next.Reached),
            ("$ended", next.Ended), ("$note", next.Note), ("$approved", next.Approved), ("$forgiven", next.Forgiven), ("$missed", next.Missed)) > 0;
        if (moved && (next.State != seen.State || next.Wave != seen.Wave))
            FleetStamp.Raise(connection);
        return moved;
    }

    /// <summary>Newest first.</summary>
    /// <param name="connection">The database.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="below">Only older ones than this.</param>
    public static IReadOnlyList<Rollout> List(DbConnection connection, int limit, long below = long.MaxValue) =>
        connection.Query("SELECT * FROM rollouts WHERE id < $below ORDER BY id DESC LIMIT $limit", Read, ("$limit", limit), ("$below", below));

    /// <summary>The newest of each scope and branch.</summary>
    public static IReadOnlyList<Rollout> Newest(DbConnection connection) =>
        connection.Query("SELECT * FROM rollouts WHERE id IN (SELECT max(id) FROM rollouts GROUP BY scope, branch) ORDER BY id", Read);

    /// <exception cref="NotFoundException">There is none.</exception>
    public static Rollout Find(DbConnection connection, long id) =>
        connection.Query("SELECT * FROM rollouts WHERE id = $id", Read, ("$id", id)) is [var rollout] ? rollout : throw new NotFoundException($"no rollout {id}; 'rollout list' shows all");

    /// <summary>The numbers of every wave, by what devices last said.</summary>
    public static IReadOnlyList<RolloutCounts> Count(DbConnection connection, Rollout rollout, DateTimeOffset now)
    {
        var found = connection.Query("""
            SELECT d.wave AS wave, count(*) AS devices, count(o.state) AS offered,
              count(CASE WHEN o.state = 'confirmed' AND d.last_seen >= $patient THEN 1 END) AS confirmed,
              count(CASE WHEN o.state IS NULL AND coalesce(d.last_seen, d.enrolled) < $patient THEN 1 END) AS silent,
              count(CASE WHEN o.state = 'offered' AND o.since < $patient AND coalesce(d.last_seen, d.enrolled) < $patient THEN 1 END) AS lost
            FROM devices d LEFT JOIN rollout_devices o ON o.rollout = $id AND o.device = d.id
            WHERE d.rollout = $id AND d.state = 'accepted' GROUP BY d.wave
            """, row => (Wave: (int)row.Number("wave"), Counts: new RolloutCounts(row.Number("devices"), row.Number("offered"), row.Number("confirmed"), 0, row.Number("silent"), row.Number("lost"))),
            ("$id", rollout.Id), ("$patient", now - rollout.Plan.Patience)).ToDictionary(w => w.Wave, w => w.Counts);
        // Also of devices that somebody has set aside since, to look at them.
        var failed = connection.Query("SELECT wave, count(*) AS failed FROM rollout_devices WHERE rollout = $id AND state = 'failed' GROUP BY wave",
            row => (Wave: (int)row.Number("wave"), Failed: row.Number("failed")), ("$id", rollout.Id)).ToDictionary(w => w.Wave, w => w.Failed);
        return [.. Enumerable.Range(0, rollout.Plan.Waves.Count).Select(wave => found.GetValueOrDefault(wave, RolloutCounts.None) with { Failed = failed.GetValueOrDefault(wave) })];
    }

    /// <summary>Tells a device to update, unless enough others are at it.</summary>
    public static bool TryOffer(DbConnection connection, Rollout rollout, KeyId device, int wave, DateTimeOffset now)
    {
        using var transaction = connection.BeginWriting();
        var underWay = rollout.Plan.Concurrent == int.MaxValue ? 0 : UnderWay(connection, rollout, now);
        var isRunning = connection.Query("SELECT 1 FROM rollouts WHERE id = $id AND state IN ('running', 'finished')", _ => 1, ("$id", rollout.Id)).Count > 0;
        if (!isRunning || underWay >= rollout.Plan.Concurrent)
            return false;
        connection.Execute("INSERT INTO rollout_devices (rollout, device, wave, state, since) VALUES ($id, $device, $wave, 'offered', $now) ON CONFLICT (rollout, device) DO NOTHING",
            ("$id", rollout.Id), ("$device", device), ("$wave", wave), ("$now", now));
        transaction.Commit();
        return true;
    }

    // Whoever has said nothing since it was told keeps its turn, as it may be lost by it, until a person has let the rollout go on without it.
    private static long UnderWay(DbConnection connection, Rollout rollout, DateTimeOffset now)
    {
        var (told, lost) = connection.Query("""
            SELECT count(*), count(CASE WHEN o.since < $patient AND coalesce(d.last_seen, d.enrolled) < $patient THEN 1 END)
            FROM rollout_devices o JOIN devices d ON d.id = o.device WHERE o.rollout = $id AND o.state = 'offered'
            """, row => (row.GetInt64(0), row.GetInt64(1)), ("$id", rollout.Id), ("$patient", now - rollout.Plan.Patience))[0];
        return told - Math.Min(lost, rollout.Missed);
    }

    /// <summary>Writes down what a device's poll says of rollouts that have reached it; inside the caller's transaction.</summary>
    public static void Note(DbConnection connection, KeyId device, PollRequest poll, DateTimeOffset now)
    {
        if (poll.Failed is { } failed)
        {
            Refuse(connection, device, failed, now);
            connection.Execute("""
                UPDATE rollout_devices SET state = 'failed', since = $now WHERE device = $device AND state <> 'failed' AND rollout IN (SELECT id FROM rollouts WHERE commit_id = $commit)
                """, ("$device", device), ("$commit", failed), ("$now", now));
            // A barrier that it was sent to on the way.
            connection.Execute("""
                UPDATE rollout_devices SET state = 'failed', since = $now WHERE device = $device AND state = 'offered'
                  AND EXISTS (SELECT 1 FROM assignments a WHERE a.device = $device AND a.commit_id = $commit)
                """, ("$device", device), ("$commit", failed), ("$now", now));
        }
        if (poll.Running is { } running && poll.Boot == "good")
        {
            connection.Execute("DELETE FROM refusals WHERE device = $device AND commit_id = $commit", ("$device", device), ("$commit", running));
            connection.Execute("""
                UPDATE rollout_devices SET state = 'confirmed', since = $now WHERE device = $device AND state = 'offered' AND rollout IN (SELECT id FROM rollouts WHERE commit_id = $commit)
                """, ("$device", device), ("$commit", running), ("$now", now));
        }
    }

    // Of those of one moment the one that the device speaks of now is the newest.
    private static void Refuse(DbConnection connection, KeyId device, ObjectId commit, DateTimeOffset now)
    {
        if (connection.Execute("INSERT INTO refusals (device, commit_id, time) VALUES ($device, $commit, $now) ON CONFLICT (device, commit_id) DO NOTHING", ("$device", device), ("$commit", commit), ("$now", now)) == 0)
            return;
        connection.Execute("""
            DELETE FROM refusals WHERE device = $device AND commit_id <> $commit AND commit_id IN
              (SELECT commit_id FROM refusals WHERE device = $device AND commit_id <> $commit ORDER BY time DESC, commit_id LIMIT $all OFFSET $most)
            """, ("$device", device), ("$commit", commit), ("$all", int.MaxValue), ("$most", MaxRefusals - 1));
    }

    /// <summary>A page of the devices that it has reached.</summary>
    /// <param name="connection">The database.</param>
    /// <param name="id">The rollout.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="after">The last one of the page before.</param>
    /// <param name="state">Only those of which this is true.</param>
    /// <param name="groups">Only those that are in one of these now; null for all.</param>
    public static IReadOnlyList<RolloutDeviceInfo> Devices(DbConnection connection, long id, int limit, string? after, string? state, IReadOnlyList<string>? groups = null)
    {
        var within = FleetFilter.All.Within(groups);
        return connection.Query($"""
            SELECT o.*, d.name AS name, (SELECT e.message FROM events e JOIN rollouts r ON r.id = o.rollout WHERE e.device = o.device AND e.commit_id = r.commit_id AND e.code <> 0
              ORDER BY e.sequence DESC LIMIT 1) AS message
            FROM rollout_devices o JOIN devices d ON d.id = o.device WHERE o.rollout = $id AND o.device > $after AND (coalesce($state, '') = '' OR o.state = $state) AND {within.Sql} ORDER BY o.device LIMIT $limit
            """, row => new RolloutDeviceInfo(KeyId.Parse(row.Text("device")), row.Text("name"), (int)row.Number("wave"), row.Text("state"), row.Time("since"), row.TextOrNull("message")),
            [("$id", id), ("$after", after ?? ""), ("$state", state), ("$limit", limit), .. within.Parameters]);
    }

    public static RolloutInfo Describe(Rollout rollout, IReadOnlyList<RolloutCounts>? waves = null) => new(
        rollout.Id, rollout.Scope.ToString(), rollout.Branch, rollout.Commit, rollout.Sequence, rollout.Plan.Written, Word(rollout.State), rollout.Wave, rollout.By, rollout.Created,
        rollout.Baseline, Text(rollout.Reason), Text(rollout.Note), Text(rollout.Approved), rollout.Reached, rollout.Ended,
        waves?.Select(w => new RolloutWaveInfo(w.Devices, w.Offered, w.Confirmed, w.Failed, w.Silent, w.Lost)).ToArray());

    public static string Word(RolloutState state) => state switch
    {
        RolloutState.Waiting => "waiting",
        RolloutState.Running => "running",
        RolloutState.Paused => "paused",
        RolloutState.Finished => "finished",
        RolloutState.Aborted => "aborted",
        _ => "reverted",
    };

    private static string? Text(string text) => text.Length > 0 ? text : null;

    private static RolloutState StateOf(string word) => word switch
    {
        "waiting" => RolloutState.Waiting,
        "running" => RolloutState.Running,
        "paused" => RolloutState.Paused,
        "finished" => RolloutState.Finished,
        "aborted" => RolloutState.Aborted,
        _ => RolloutState.Reverted,
    };

    private static Rollout Read(DbDataReader row) => new(
        row.Number("id"), PolicyScope.Parse(row.Text("scope")), BranchName.Parse(row.Text("branch")), ObjectId.Parse(row.Text("commit_id")), row.Number("sequence"),
        row.TextOrNull("baseline") is { } baseline ? ObjectId.Parse(baseline) : null,
        new Plan(JsonSerializer.Deserialize(row.Text("plan"), ProtocolJson.Default.RolloutPlan) ?? throw new FormatException("a rollout's plan is null")),
        row.Text("author"), row.Text("reason"), row.Time("created"))
    {
        State = StateOf(row.Text("state")),
        Wave = (int)row.Number("wave"),
        Reached = row.TimeOrNull("reached"),
        Ended = row.TimeOrNull("ended"),
        Note = row.Text("note"),
        Approved = row.Text("approved"),
        Forgiven = row.Number("forgiven"),
        Missed = row.Number("missed"),
    };
}
