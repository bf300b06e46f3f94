using System.Data.Common;
using System.Text.Json.Nodes;
using ContentTree.Server.Fleet.Configurations;
using ContentTree.Server.Fleet.Expected;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Webhooks;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Storage;

/// <summary>The devices: one row for each key, however often it enrols.</summary>
internal sealed class Devices(Database database, Tokens tokens, TimeProvider time)
{
    /// <summary>Devices that wait to be accepted, at most: anybody who reaches the server can make one.</summary>
    public const int MaxPending = 10_000;

    private const int ShownEvents = 20;
    private const int KeptBoots = 32;

    // No longer than an index takes.
    private const string Words = "lower(substr(id || ' ' || name || ' ' || serial || ' ' || hardware, 1, 500))";

    // The newest event that says most about a device rides along, so that lists need one query.
    private string Select => $"""
        SELECT d.*, a.action AS told_action, a.counter AS told_counter, a.expires AS told_expires, a.commit_id AS told_commit, a.reason AS told_reason, e.sequence AS event_sequence, e.time AS event_time, e.kind AS event_kind, e.commit_id AS event_commit,
          e.deployment AS event_deployment, e.code AS event_code, e.message AS event_message,
          (SELECT {database.Joined("o.id")} FROM devices o WHERE o.serial <> '' AND o.serial = d.serial AND o.id <> d.id AND o.state <> 'rejected') AS conflicts
        FROM devices d LEFT JOIN assignments a ON a.device = d.id LEFT JOIN events e ON e.device = d.id AND e.sequence = (SELECT max(sequence) FROM events WHERE device = d.id)
        """;

    /// <summary>Writes down who came; what was decided about that device before stays.</summary>
    /// <param name="id">The device, the id of its first key.</param>
    /// <param name="keys">The keys it has had, each vouched for by the one before; the last one signed the request.</param>
    /// <param name="request">What it says of itself.</param>
    /// <param name="told">Hears of it within the same transaction, and what it was before.</param>
    public EnrolOutcome Enrol(KeyId id, IReadOnlyList<PublicKey> keys, EnrolRequest request, Action<DbConnection, DeviceState?, EnrolOutcome.Known>? told = null)
    {
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting();
        var changed = DeviceKeys.Judge(connection, id, keys);
        if (changed == KeyChange.Refused)
        {
            // Its owner has gone on with another key: whoever has this one has copied one that was its own.
            if (DeviceKeys.WasOf(connection, id, keys))
                Doubt(connection, id, "cloned", time.GetUtcNow(), WebhookEvent.Cloned);
            transaction.Commit();
            return new EnrolOutcome.OtherKey();
        }
        var note = "";
        var before = FindState(connection, id);
        var state = connection.Query("SELECT state FROM devices WHERE id = $id", row => StateOf(row.Text("state")), ("$id", id)) is [var present]
            ? present
            : (DeviceState?)null;
        var decided = state is DeviceState.Accepted or DeviceState.Rejected;
        // Whoever copies a serial must not become that device, whatever token he has. Only the key that a list names is not kept out by whoever said the serial before it.
        var entry = decided ? null : ExpectedDevices.Find(connection, request.Serial);
        // A serial alone says nothing of who was here before it was listed, or calls itself otherwise now.
        if (entry is { Key: null } && state is not null)
            entry = null;
        var isNamed = entry?.Key is { } listed && keys.Any(key => key.Fingerprint == listed);
        var isConflict = !decided && ((entry?.Key is not null && !isNamed) || IsTaken(connection, id, request.Serial, isNamed));
        if (isConflict)
            (entry, note) = (null, entry is { Key: not null } && !isNamed ? $", serial {entry.Serial} was listed with another key" : "");
        if (entry is not null)
            (state, note) = (DeviceState.Accepted, $", listed as {entry.Serial} by {entry.By}");
        else if (!decided && !isConflict && request.Token is not null)
        {
            if (!tokens.TryUse(connection, request.Token, TokenRole.Enrol))
                return new EnrolOutcome.BadToken();
            state = DeviceState.Accepted;
        }
        if (state is null && connection.Query("SELECT count(*) FROM devices WHERE state = 'pending'", row => row.GetInt64(0))[0] >= MaxPending)
            return new EnrolOutcome.TooMany();
        var known = state ?? DeviceState.Pending;
        connection.Execute("""
            INSERT INTO devices (id, public_key, name, hardware, architecture, branch, state, enrolled, serial)
            VALUES ($id, $key, $name, $hardware, $architecture, $branch, $state, $now, $serial)
            ON CONFLICT (id) DO UPDATE SET public_key = coalesce(devices.public_key, $key), name = $name, hardware = $hardware,
              architecture = $architecture, branch = $branch, state = $state, serial = CASE WHEN devices.serial = '' OR $listed <> 0 THEN $serial ELSE devices.serial END
            """,
            ("$id", id), ("$key", keys[^1].Pem), ("$name", request.Name), ("$hardware", request.Hardware),
            ("$architecture", request.Architecture), ("$branch", request.Branch), ("$state", Word(known)), ("$now", time.GetUtcNow()), ("$serial", request.Serial ?? ""), ("$listed", entry is null ? 0 : 1));
        NoteWords(connection, $"{id}", $"{id}");
        var isNewKey = DeviceKeys.Take(connection, id, keys[^1], changed);
        DeviceKeys.Remember(connection, id);
        if (entry is not null)
            ExpectedDevices.Use(connection, entry, id, time.GetUtcNow());
        var outcome = new EnrolOutcome.Known(known, isNewKey, note);
        told?.Invoke(connection, before, outcome);
        transaction.Commit();
        return outcome;
    }

    /// <summary>Writes beside devices what lists are searched by, where it is missing: an older server that shares the database writes a device down without it.</summary>
    public static void NoteWords(DbConnection connection, string first, string last) =>
        connection.Execute($"UPDATE devices SET words = {Words} WHERE id BETWEEN $first AND $last AND words <> {Words}", ("$first", first), ("$last", last));

    private static bool IsTaken(DbConnection connection, KeyId id, string? serial, bool isNamed) => serial is { Length: > 0 } &&
        connection.Query($"SELECT 1 FROM devices WHERE serial = $serial AND id <> $id AND {(isNamed ? "state = 'accepted'" : "state <> 'rejected'")} LIMIT 1", _ => 1, ("$serial", serial), ("$id", id)).Count > 0;

    /// <summary>What was decided about a device; null for one that never enrolled.</summary>
    public DeviceState? FindState(KeyId id)
    {
        using var connection = database.Connect();
        return FindState(connection, id);
    }

    private static DeviceState? FindState(DbConnection connection, KeyId id) =>
        connection.Query("SELECT state FROM devices WHERE id = $id AND public_key IS NOT NULL", row => StateOf(row.Text("state")), ("$id", id)) is [var found] ? found : null;

    /// <summary>Writes down what a poll said.</summary>
    /// <param name="at">When, if not now.</param>
    /// <returns>Whether it follows another branch than before.</returns>
    public bool Record(KeyId id, PollRequest poll, DateTimeOffset? at = null)
    {
        // A power cut may take it back: the next poll says it again.
        using var connection = database.ConnectHastily();
        using var transaction = connection.BeginWriting(id);
        var before = connection.Query("SELECT branch, running FROM devices WHERE id = $id", row => (Branch: row.Text("branch"), Running: row.TextOrNull("running")), ("$id", id));
        var hasMoved = before is [var was] && was.Branch != poll.Branch.ToString();
        // What lists are ordered by is written only when it is another one: nearly every poll says what the one before it said.
        var isSame = before is [var known] && !hasMoved && known.Running == poll.Running?.ToString();
        connection.Execute($"""
            UPDATE devices SET last_seen = $now, {(isSame ? "" : "branch = $branch, running = $running, ")}wanted = $wanted, failed = $failed, boot = $boot,
              head = $head, root = $root, kept = $kept, sequence = CASE WHEN branch = $branch AND sequence > $sequence THEN sequence ELSE $sequence END, hold = $hold, assignment = $assignment, developer = $developer,
              configuration = $configuration, configuration_applied = $applied, configuration_applied_at = CASE WHEN configuration_applied = $applied THEN configuration_applied_at ELSE $now END
              WHERE id = $id
            """,
            ("$id", id), ("$now", at ?? time.GetUtcNow()), ("$branch", poll.Branch), ("$running", poll.Running), ("$wanted", poll.Wanted),
            ("$failed", poll.Failed), ("$boot", poll.Boot), ("$head", poll.Head), ("$root", poll.Root), ("$sequence", poll.Sequence),
            ("$kept", poll.Kept is { } kept ? string.Join(',', kept) : null), ("$hold", poll.Hold ?? false), ("$assignment", poll.Assignment ?? 0), ("$developer", poll.Developer ?? false),
            ("$configuration", poll.Configuration ?? 0), ("$applied", poll.Applied ?? poll.Configuration ?? 0));
        // What comes on a stick says nothing of whether the device can be heard.
        if (at is null)
            connection.Execute("UPDATE devices SET silent = NULL WHERE id = $id AND silent IS NOT NULL", ("$id", id));
        if (poll.Inventory is { } told)
            Inventories.Write(connection, id, told, at ?? time.GetUtcNow());
        if (poll.Drift is { } drift)
            Drifts.Write(connection, id, drift, at ?? time.GetUtcNow());
        if (poll.BootId is { } boot)
            RecordBoot(connection, id, boot);
        transaction.Commit();
        return hasMoved;
    }

    /// <summary>Notes from where a device speaks; whether nothing is known of what it is made of.</summary>
    public bool Hear(KeyId id, string address)
    {
        using var connection = database.ConnectHastily();
        var known = connection.Query("SELECT address, told FROM devices WHERE id = $id", row => (Address: row.TextOrNull("address"), IsTold: row.NumberOrNull("told") is not null), ("$id", id));
        if (known is [var (before, _)] && before != address)
            connection.Execute("UPDATE devices SET address = $address WHERE id = $id", ("$id", id), ("$address", address));
        return known is [(_, false)];
    }

    // A boot that has ended never comes back. Where one does after another was seen, two places take turns.
    private void RecordBoot(DbConnection connection, KeyId id, string boot)
    {
        var known = connection.Query("SELECT boot, number FROM boots WHERE device = $id ORDER BY number DESC", row => (Boot: row.GetString(0), Number: row.GetInt64(1)), ("$id", id));
        if (known is [var newest, ..] && newest.Boot == boot)
            return;
        if (known.Exists(k => k.Boot == boot))
            Doubt(connection, id, "cloned", time.GetUtcNow(), WebhookEvent.Cloned);
        var number = known is [var last, ..] ? last.Number + 1 : 1;
        connection.Execute("INSERT INTO boots (device, boot, number) VALUES ($id, $boot, $number) ON CONFLICT (device, boot) DO UPDATE SET number = $number",
            ("$id", id), ("$boot", boot), ("$number", number));
        connection.Execute("DELETE FROM boots WHERE device = $id AND number <= $number - $kept", ("$id", id), ("$number", number), ("$kept", KeptBoots));
    }

    /// <summary>Whether the device has sent this head before.</summary>
    public bool HasProved(KeyId id, ObjectId head)
    {
        using var connection = database.Connect();
        return connection.Query("SELECT 1 FROM devices WHERE id = $id AND proved = $head", _ => 1, ("$id", id), ("$head", head)).Count > 0;
    }

    /// <summary>Remembers that the device has sent a head, whatever came of it.</summary>
    public void MarkProved(KeyId id, ObjectId head)
    {
        using var connection = database.Connect();
        connection.Execute("UPDATE devices SET proved = $head WHERE id = $id", ("$id", id), ("$head", head));
    }

    /// <summary>Remembers that the device has another commit at a position of its branch than this server.</summary>
    public void MarkFork(KeyId id, long sequence)
    {
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting(id);
        Doubt(connection, id, "fork", sequence, WebhookEvent.Forked);
        transaction.Commit();
    }

    // Told once, until a person has looked and accepts the device again. Of one that nobody let in, whoever wants could say so as often as he likes.
    private void Doubt(DbConnection connection, KeyId id, string column, object value, string name)
    {
        var before = connection.Query($"SELECT name, branch, state, {column} IS NOT NULL AS known FROM devices WHERE id = $id", row => (Name: row.Text("name"), Branch: row.Text("branch"), State: StateOf(row.Text("state")), IsKnown: row.GetBoolean(3)), ("$id", id));
        connection.Execute($"UPDATE devices SET {column} = $value WHERE id = $id", ("$id", id), ("$value", value));
        if (before is [{ State: DeviceState.Accepted, IsKnown: false } device])
            new Outbox(database, time).Add(connection, name, new JsonObject { ["device"] = $"{id}", ["name"] = device.Name, ["branch"] = device.Branch, ["sequence"] = value as long? });
    }

    /// <summary>A page of the devices that a filter means, by id.</summary>
    public IReadOnlyList<DeviceInfo> List(int limit, string? after = null, FleetFilter? filter = null)
    {
        using var connection = database.Connect();
        var (sql, parameters) = filter is null ? ("1 = 1", []) : (filter.Sql, filter.Parameters);
        return connection.Query($"{Select} WHERE d.id > $after AND {sql} ORDER BY d.id LIMIT $limit", Read, [("$after", after ?? ""), ("$limit", limit), .. parameters]);
    }

    /// <summary>A page of devices by name, then id.</summary>
    /// <param name="after">The last one of the page before; null begins.</param>
    public IReadOnlyList<DeviceInfo> Search(DeviceFilter filter, int limit, KeyId? after = null)
    {
        // Which ones first, with as little as that takes: all about each is asked for a page of them only.
        var within = FleetFilter.All.Within(filter.Groups);
        var sql = $"""
            {Select} WHERE d.id IN (
              SELECT d.id FROM devices d WHERE (d.name, d.id) > ((SELECT coalesce(max(name), '') FROM devices WHERE id = $after), $after){string.Concat(Conditions(filter).Append(within.Sql).Append((filter.Condition ?? FleetFilter.All).Sql).Select(c => " AND " + c))}
              ORDER BY d.name, d.id LIMIT $limit) ORDER BY d.name, d.id
            """;
        var text = Sql.Lower(filter.Text).Replace("!", "!!", StringComparison.Ordinal).Replace("%", "!%", StringComparison.Ordinal).Replace("_", "!_", StringComparison.Ordinal);
        using var connection = database.Connect();
        return connection.Query(sql, Read,
        [
            ("$after", after?.ToString() ?? ""), ("$text", $"%{text}%"), ("$branch", filter.Branch), ("$running", filter.Running), ("$sync", filter.Sync), ("$limit", limit), .. within.Parameters, .. (filter.Condition ?? FleetFilter.All).Parameters,
        ]);
    }

    // One of them leads, by an index that has what it asks for in the order of names; the others are kept from leading by an index of more devices.
    private static IEnumerable<string> Conditions(DeviceFilter filter)
    {
        var isLed = filter.Text.Length > 0;
        // One text of an index alone: rows of a hundred thousand devices are a hundred megabytes.
        if (isLed)
            yield return "d.words LIKE $text ESCAPE '!'";
        if (filter.Mark != DeviceMark.None)
            yield return filter.Mark switch { DeviceMark.Cloned => "d.cloned IS NOT NULL", DeviceMark.Forked => "d.fork IS NOT NULL", DeviceMark.Drifted => "d.drift > 0", _ => "d.low = 1" };
        isLed |= filter.Mark != DeviceMark.None;
        if (filter.IsSilent is { } isSilent)
            yield return isSilent ? "d.silent IS NOT NULL" : "d.silent IS NULL";
        isLed |= filter.IsSilent == true;
        // In words of the query, for the indexes of those who wait and of those who were turned away.
        if (filter.State is { } state)
            yield return $"{Led("d.state")} = '{Word(state)}'";
        isLed |= filter.State is DeviceState.Pending or DeviceState.Rejected;
        if (filter.Running is not null)
            yield return $"{Led("d.running")} = $running";
        isLed |= filter.Running is not null;
        if (filter.Branch is not null)
            yield return $"{Led("d.branch")} = $branch";
        isLed |= filter.Branch is not null;
        if (filter.Sync is { } sync)
            yield return sync.Length > 0 ? $"{Led("d.sync")} = $sync" : "d.sync IS NULL";

        string Led(string column) => isLed ? $"coalesce({column}, '')" : column;
    }

    /// <summary>All devices, counted by what decides how they stand.</summary>
    /// <param name="groups">Only those of these; null for all.</param>
    /// <returns>Each kind once.</returns>
    public IReadOnlyList<DeviceKind> Kinds(IReadOnlyList<string>? groups = null)
    {
        var within = FleetFilter.All.Within(groups);
        using var connection = database.Connect();
        // First as the columns stand in an index, so that one pass over that is all it takes; then since when is no longer asked, which is another moment for each device.
        return connection.Query($"""
            SELECT min(k.fork) AS fork, min(k.cloned) AS cloned, k.low AS low, k.branch AS branch, k.state AS state, k.running AS running, k.sync AS sync, min(k.silent) AS silent, CAST(sum(k.devices) AS BIGINT) AS devices
            FROM (
              SELECT fork, cloned, low, branch, state, running, sync, silent, count(*) AS devices
              FROM devices d WHERE {within.Sql} GROUP BY fork, cloned, low, branch, state, running, sync, silent) k
            GROUP BY k.fork IS NULL, k.cloned IS NULL, k.low, k.branch, k.state, k.running, k.sync, k.silent IS NULL
            """, row => new DeviceKind(new DeviceInfo(
                default, "", StateOf(row.Text("state")), "", "", BranchName.Parse(row.Text("branch")), default, null, IdOf(row, "running"), Sync: row.TextOrNull("sync"),
                Cloned: row.TimeOrNull("cloned"), Fork: row.NumberOrNull("fork"), Silent: row.TimeOrNull("silent")), row.Number("low") != 0, row.Number("devices")), [.. within.Parameters]);
    }

    /// <summary>How many of those who wait to be accepted claim a serial that another device has.</summary>
    /// <param name="groups">Only those of these; null for all.</param>
    public long Conflicts(IReadOnlyList<string>? groups = null)
    {
        var within = FleetFilter.All.Within(groups);
        using var connection = database.Connect();
        return connection.Query($"""
            SELECT count(*) FROM devices d WHERE d.state = 'pending' AND d.serial <> '' AND {within.Sql}
              AND EXISTS (SELECT 1 FROM devices o WHERE o.serial <> '' AND o.serial = d.serial AND o.id <> d.id AND o.state <> 'rejected')
            """, row => row.GetInt64(0), [.. within.Parameters])[0];
    }

    /// <summary>A device with its newest events.</summary>
    /// <exception cref="NotFoundException">There is no such device.</exception>
    public DeviceInfo Find(KeyId id)
    {
        using var connection = database.Connect();
        return connection.Query(Select + " WHERE d.id = $id", Read, ("$id", id)) is [var device]
            ? device with { Events = new Events(database).Newest(id, ShownEvents), Key = DeviceKeys.Present(connection, id)?.Id, Drift = device.Drift is { } drift ? drift with { Paths = Drifts.Paths(connection, id) } : null }
            : throw Unknown(id);
    }

    /// <summary>Accepts or rejects a device.</summary>
    /// <param name="expectedOn">Decide also about a key that has not enrolled yet and is expected to follow this branch.</param>
    /// <param name="told">Hears of it within the same transaction, and what it was before.</param>
    /// <exception cref="NotFoundException">There is no such device, and none is expected.</exception>
    public DeviceInfo Decide(KeyId id, DeviceState state, BranchName? expectedOn = null, Action<DbConnection, DeviceState?>? told = null)
    {
        using (var connection = database.Connect())
        {
            using var transaction = connection.BeginWriting();
            var before = FindState(connection, id);
            if (expectedOn is not null)
            {
                connection.Execute("""
                    INSERT INTO devices (id, name, hardware, architecture, branch, state, enrolled) VALUES ($id, '', '', '', $branch, $state, $now)
                    ON CONFLICT (id) DO NOTHING
                    """, ("$id", id), ("$branch", expectedOn), ("$state", Word(state)), ("$now", time.GetUtcNow()));
                NoteWords(connection, $"{id}", $"{id}");
            }
            if (connection.Execute("UPDATE devices SET state = $state, cloned = NULL, fork = NULL WHERE id = $id", ("$id", id), ("$state", Word(state))) == 0)
                throw Unknown(id);
            DeviceKeys.Remember(connection, id);
            told?.Invoke(connection, before);
            transaction.Commit();
        }
        return Find(id);
    }

    /// <summary>Forgets a device and its events.</summary>
    /// <param name="told">Hears of it within the same transaction.</param>
    /// <exception cref="NotFoundException">There is no such device.</exception>
    public void Remove(KeyId id, Action<DbConnection>? told = null)
    {
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting();
        connection.Execute("DELETE FROM policies WHERE scope = $scope", ("$scope", $"device:{id}"));
        connection.Execute("DELETE FROM transfers WHERE scope = $scope", ("$scope", $"device:{id}"));
        ConfigurationBook.Forget(connection, new ConfigurationScope.Device(id), time.GetUtcNow());
        if (connection.Execute("DELETE FROM devices WHERE id = $id", ("$id", id)) == 0)
            throw Unknown(id);
        told?.Invoke(connection);
        transaction.Commit();
    }

    /// <summary>What accepted devices need: garbage collection keeps it. Whoever was not let in, or no more, keeps nothing.</summary>
    public IReadOnlyList<DeviceNeed> Needs()
    {
        using var connection = database.Connect();
        return connection.Query("""
            SELECT d.id, d.name, coalesce(d.last_seen, d.enrolled) AS seen, d.running, d.wanted, d.kept, a.commit_id AS pinned
            FROM devices d LEFT JOIN assignments a ON a.device = d.id AND a.expires > $now WHERE d.state = 'accepted' ORDER BY d.id
            """, row => new DeviceNeed(
            KeyId.Parse(row.Text("id")), row.Text("name"), row.Time("seen"), IdOf(row, "running"), IdOf(row, "wanted"), IdOf(row, "pinned"),
            row.TextOrNull("kept")?.Split(',', StringSplitOptions.RemoveEmptyEntries) ?? []), ("$now", time.GetUtcNow()));
    }

    private static NotFoundException Unknown(KeyId id) => new($"no device {id}; 'device list' shows all");

    private static string Word(DeviceState state) => state switch
    {
        DeviceState.Accepted => "accepted",
        DeviceState.Rejected => "rejected",
        _ => "pending",
    };

    public static DeviceState StateOf(string word) => word switch
    {
        "accepted" => DeviceState.Accepted,
        "rejected" => DeviceState.Rejected,
        _ => DeviceState.Pending,
    };

    private static DeviceInfo Read(DbDataReader row) => new(
        KeyId.Parse(row.Text("id")), row.Text("name"), StateOf(row.Text("state")), row.Text("hardware"), row.Text("architecture"),
        BranchName.Parse(row.Text("branch")), row.Time("enrolled"), row.TimeOrNull("last_seen"),
        IdOf(row, "running"), IdOf(row, "wanted"), IdOf(row, "failed"), row.TextOrNull("boot"), row.Number("sequence"), ReadEvent(row),
        Hold: row.Number("hold") != 0 ? true : null, Assignment: ReadAssignment(row), Serial: row.Text("serial") is { Length: > 0 } serial ? serial : null,
        Conflicts: row.TextOrNull("conflicts")?.Split(',').Select(KeyId.Parse).Order().ToArray(), Cloned: row.TimeOrNull("cloned"), Fork: row.IsDBNull(row.GetOrdinal("fork")) ? null : row.Number("fork"),
        KeyChanged: row.TimeOrNull("key_changed"), Developer: row.Number("developer") != 0 ? true : null,
        Silent: row.TimeOrNull("silent"), Inventory: Inventories.Read(row), Told: row.TimeOrNull("told"), Address: row.TextOrNull("address"),
        Drift: Drifts.Read(row), DriftTold: row.TimeOrNull("drift_told"));

    private static AssignmentInfo? ReadAssignment(DbDataReader row) => row.TextOrNull("told_action") is not { } action ? null : new AssignmentInfo(
        action, row.Number("told_counter"), row.Time("told_expires"), IdOf(row, "told_commit"), row.Text("told_reason") is { Length: > 0 } reason ? reason : null,
        row.Number("assignment") == row.Number("told_counter"));

    private static ReportEvent? ReadEvent(DbDataReader row) => row.TextOrNull("event_kind") is not { } kind ? null : new ReportEvent(
        row.Number("event_sequence"), row.Time("event_time"), kind, IdOf(row, "event_commit"), row.TextOrNull("event_deployment"),
        (int)row.Number("event_code"), row.TextOrNull("event_message"));

    public static ObjectId? IdOf(DbDataReader row, string column) => row.TextOrNull(column) is { } text ? ObjectId.Parse(text) : null;
}
