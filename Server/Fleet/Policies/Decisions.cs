using System.Data.Common;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet.Policies;

/// <summary>What devices are to do, by what the database says of them and of everybody.</summary>
internal sealed class Decisions(DataDirectory data, Database database, TimeProvider time)
{
    private const int PageSize = 500;

    private readonly Lock _lock = new();
    private (long Stamp, FleetRules Rules)? _known;

    public BranchLines Lines { get; } = new(data);

    /// <summary>What one device is to do; null when there is no such device.</summary>
    public Seen? Of(DbConnection connection, KeyId device) => Load(connection, device.ToString(), device.ToString(), Rules(connection)) is [var seen] ? seen : null;

    /// <summary>Those of a page of the list of devices.</summary>
    public IReadOnlyDictionary<KeyId, Seen> Between(DbConnection connection, KeyId first, KeyId last) =>
        Load(connection, first.ToString(), last.ToString(), Rules(connection)).ToDictionary(s => s.Device.Id);

    /// <summary>All of them, page by page, under other rules than those that are written down; for looking ahead.</summary>
    public IEnumerable<(Seen Now, Seen Then)> Compare(Func<DbConnection, FleetRules> then)
    {
        using var connection = database.Connect();
        var (present, other) = (Rules(connection), then(connection));
        foreach (var (first, last) in Pages(connection))
        {
            foreach (var pair in Load(connection, first, last, present).Zip(Load(connection, first, last, other)))
                yield return pair;
        }
    }

    /// <summary>Writes beside every device what it should run and how it does: what lists, filters and rollouts count by.</summary>
    /// <param name="goOn">Called between pages; throws where no other may follow.</param>
    public void Refresh(Action goOn)
    {
        using var connection = database.Connect();
        var rules = Rules(connection);
        foreach (var (first, last) in Pages(connection))
        {
            goOn();
            using var transaction = connection.BeginWriting();
            foreach (var seen in Load(connection, first, last, rules))
                Write(connection, seen);
            Devices.NoteWords(connection, first, last);
            transaction.Commit();
        }
    }

    /// <summary>Writes beside a device what it should run and how it does.</summary>
    /// <returns>Whether that is something else than before.</returns>
    public static bool Write(DbConnection connection, Seen seen)
    {
        var (sync, health) = (seen.Condition.Sync(seen.Decision, seen.Newest), seen.Condition.Health(seen.Decision));
        if (seen.Stored == new StoredDecision(seen.Decision.Target, sync, health, seen.Decision.Governed?.Rollout, seen.Decision.Governed?.Wave))
            return false;
        connection.Execute("UPDATE devices SET target = $target, sync = $sync, health = $health, rollout = $rollout, wave = $wave WHERE id = $id",
            ("$id", seen.Device.Id), ("$target", seen.Decision.Target), ("$sync", sync), ("$health", health), ("$rollout", seen.Decision.Governed?.Rollout), ("$wave", seen.Decision.Governed?.Wave));
        return true;
    }

    /// <summary>The rules that are written down now.</summary>
    public FleetRules Rules(DbConnection connection)
    {
        lock (_lock)
        {
            // The number first: what changes in between is looked at again.
            var stamp = FleetStamp.Read(connection);
            if (_known is { } known && known.Stamp == stamp)
                return known.Rules;
            var rules = ReadRules(connection, PolicyBook.Shared(connection));
            _known = (stamp, rules);
            return rules;
        }
    }

    /// <summary>Rules with other policies of groups and branches.</summary>
    public static FleetRules ReadRules(DbConnection connection, IEnumerable<Policy> shared) => new(
        shared.ToDictionary(p => p.Scope),
        connection.Query("SELECT name, rank FROM groups", row => KeyValuePair.Create(GroupName.Parse(row.GetString(0)), row.GetInt64(1))).ToDictionary(),
        RolloutBook.Newest(connection).ToDictionary(r => (r.Scope, r.Branch)));

    private static IEnumerable<(string First, string Last)> Pages(DbConnection connection)
    {
        for (var after = ""; ;)
        {
            var ids = connection.Query("SELECT id FROM devices WHERE id > $after ORDER BY id LIMIT $limit", row => row.GetString(0), ("$after", after), ("$limit", PageSize));
            if (ids.Count == 0)
                yield break;
            yield return (ids[0], ids[^1]);
            after = ids[^1];
        }
    }

    private List<Seen> Load(DbConnection connection, string first, string last, FleetRules rules)
    {
        (string, object?)[] range = [("$first", first), ("$last", last)];
        var groups = connection.Query("SELECT device, group_name FROM group_members WHERE device BETWEEN $first AND $last", row => (row.GetString(0), GroupName.Parse(row.GetString(1))), range)
            .ToLookup(g => g.Item1, g => g.Item2);
        var offers = connection.Query("SELECT device, rollout, state FROM rollout_devices WHERE device BETWEEN $first AND $last", row => (row.GetString(0), row.GetInt64(1), row.GetString(2)), range)
            .ToLookup(o => o.Item1);
        var refused = connection.Query("SELECT device, commit_id FROM refusals WHERE device BETWEEN $first AND $last", row => (row.GetString(0), ObjectId.Parse(row.GetString(1))), range)
            .ToLookup(r => r.Item1, r => r.Item2);
        var own = PolicyBook.OfDevices(connection, first, last).ToDictionary(p => p.Scope);
        var lines = new Dictionary<BranchName, BranchLine>();
        var now = time.GetUtcNow();
        return connection.Query("SELECT * FROM devices WHERE id BETWEEN $first AND $last ORDER BY id", row =>
        {
            var id = KeyId.Parse(row.Text("id"));
            var condition = new Condition(
                Devices.IdOf(row, "running"), Devices.IdOf(row, "wanted"), Devices.IdOf(row, "failed"), row.Number("hold") != 0, row.TextOrNull("boot") ?? "", row.Number("sequence"),
                row.TimeOrNull("last_seen"), row.Number("trouble"));
            var device = new FleetDevice(
                id, BranchName.Parse(row.Text("branch")), condition.Running, condition.Wanted, condition.Failed, own.GetValueOrDefault(new PolicyScope.Device(id)), [.. groups[id.ToString()]],
                offers[id.ToString()].ToDictionary(o => o.Item2, o => o.Item3), refused[id.ToString()].ToHashSet());
            if (!lines.TryGetValue(device.Branch, out var line))
                lines[device.Branch] = line = Lines.Of(device.Branch);
            return new Seen(device, condition, rules.Decide(device, line, now), line.Newest, new StoredDecision(
                Devices.IdOf(row, "target"), row.TextOrNull("sync"), row.TextOrNull("health"), row["rollout"] as long?, (int?)(row["wave"] as long?)));
        }, range);
    }
}
