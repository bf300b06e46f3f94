using System.Data.Common;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet.Expected;

/// <summary>Devices that are let in when they come, by their serials: each entry lets in one device, once.</summary>
internal sealed class ExpectedDevices(Database database, TimeProvider time)
{
    /// <summary>Entries at most, used ones too.</summary>
    public const int MaxEntries = 1_000_000;

    // One statement of so many rows: the work on its parameters grows with their square.
    private const int Chunk = 25;
    private const string Columns = "e.serial, e.key_hash, e.into_groups, e.label_text, e.author, e.added, e.used, e.device";

    /// <summary>Takes a list, all of it or nothing. A line that says what is known already changes nothing, so that a list may come twice.</summary>
    /// <param name="author">Who says so.</param>
    /// <exception cref="FormatException">A line names a group that is not there, or says something else of a serial than is known.</exception>
    public ExpectedAnswer Add(IReadOnlyList<ExpectedDevice> list, string author)
    {
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting();
        var groups = connection.Query("SELECT name FROM groups", row => GroupName.Parse(row.GetString(0))).ToHashSet();
        foreach (var device in list)
        {
            if (device.Groups.FirstOrDefault(g => !groups.Contains(g)) is var missing && missing != default)
                throw ExpectedList.Wrong(device.Line, $"no group {missing}");
        }
        var (added, waiting) = (0L, 0L);
        foreach (var chunk in list.Chunk(Chunk))
        {
            var (names, values) = (string.Join(", ", chunk.Select((_, i) => $"$s{i}")), chunk.Select((d, i) => ($"$s{i}", (object?)d.Serial)).ToArray());
            var known = connection.Query($"SELECT {Columns} FROM expected_devices e WHERE e.serial IN ({names})", Read, values).ToDictionary(e => e.Serial, StringComparer.Ordinal);
            var fresh = chunk.Where(device => !IsKnown(device, known)).ToArray();
            Insert(connection, fresh, author);
            added += fresh.Length;
            waiting += connection.Query($"SELECT count(*) FROM devices WHERE state = 'pending' AND serial IN ({names})", row => row.GetInt64(0), values)[0];
        }
        if (connection.Query("SELECT count(*) FROM expected_devices", row => row.GetInt64(0))[0] > MaxEntries)
            throw new FormatException($"more than {MaxEntries} devices would be expected; 'device unexpect' takes some back");
        transaction.Commit();
        return new ExpectedAnswer(added, list.Count - added, waiting);
    }

    /// <summary>A page of entries by serial.</summary>
    /// <param name="after">The last one of the page before; empty begins.</param>
    public IReadOnlyList<ExpectedDeviceInfo> List(bool isUnused, int limit, string? after = null)
    {
        using var connection = database.Connect();
        return connection.Query($"SELECT {Columns} FROM expected_devices e WHERE e.serial > $after {(isUnused ? "AND e.used IS NULL" : "")} ORDER BY e.serial LIMIT $limit", Read, ("$after", after ?? ""), ("$limit", limit));
    }

    /// <summary>How many entries wait for their devices, and how many have let one in.</summary>
    public (long Unused, long Used) Count()
    {
        using var connection = database.Connect();
        return connection.Query("SELECT count(*), count(used) FROM expected_devices", row => (row.GetInt64(0) - row.GetInt64(1), row.GetInt64(1)))[0];
    }

    /// <summary>Takes an entry back; whom it has let in stays.</summary>
    /// <exception cref="NotFoundException">There is none.</exception>
    public void Remove(string serial)
    {
        using var connection = database.Connect();
        if (connection.Execute("DELETE FROM expected_devices WHERE serial = $serial", ("$serial", serial)) == 0)
            throw new NotFoundException($"no device is expected by serial {serial}; 'device expected' shows all");
    }

    /// <summary>Takes all entries back that have let nobody in.</summary>
    public int RemoveUnused()
    {
        using var connection = database.Connect();
        return connection.Execute("DELETE FROM expected_devices WHERE used IS NULL");
    }

    /// <summary>Whether a key that is not known yet would be let in by this serial.</summary>
    public bool IsExpected(string? serial, PublicKey key)
    {
        if (serial is not { Length: > 0 })
            return false;
        using var connection = database.Connect();
        return Find(connection, serial) is { } entry && (entry.Key is null || entry.Key == key.Fingerprint);
    }

    /// <summary>The entry of a serial that has let nobody in yet, inside the caller's transaction.</summary>
    public static ExpectedDeviceInfo? Find(DbConnection connection, string? serial) => serial is not { Length: > 0 } ? null
        : connection.Query($"SELECT {Columns} FROM expected_devices e WHERE e.serial = $serial AND e.used IS NULL", Read, ("$serial", serial)) is [var entry] ? entry : null;

    /// <summary>Uses an entry up: what it says of its device is said of this one from now on. Inside the caller's transaction.</summary>
    public static void Use(DbConnection connection, ExpectedDeviceInfo entry, KeyId device, DateTimeOffset now)
    {
        connection.Execute("UPDATE expected_devices SET used = $now, device = $device WHERE serial = $serial", ("$now", now), ("$device", device), ("$serial", entry.Serial));
        // A group may have gone meanwhile.
        foreach (var group in entry.Groups ?? [])
        {
            connection.Execute("""
                INSERT INTO group_members (group_name, device, listed) SELECT name, $device, 1 FROM groups WHERE name = $group
                ON CONFLICT (group_name, device) DO UPDATE SET listed = 1
                """, ("$device", device), ("$group", group));
        }
        foreach (var (name, value) in entry.Labels ?? new Dictionary<string, string>())
        {
            connection.Execute("INSERT INTO labels (device, name, value) VALUES ($device, $name, $value) ON CONFLICT (device, name) DO UPDATE SET value = $value",
                ("$device", device), ("$name", name), ("$value", value));
        }
    }

    private static bool IsKnown(ExpectedDevice device, Dictionary<string, ExpectedDeviceInfo> known)
    {
        if (!known.TryGetValue(device.Serial, out var entry))
            return false;
        var isSame = entry.Key == device.Key && string.Join(' ', entry.Groups ?? []) == device.GroupText && string.Join(' ', (entry.Labels ?? new Dictionary<string, string>()).Select(l => $"{l.Key}={l.Value}")) == device.LabelText;
        return isSame ? true : throw ExpectedList.Wrong(device.Line, $"serial {device.Serial} is known already, with another key, other groups or labels; 'device unexpect {device.Serial}' takes that back");
    }

    private void Insert(DbConnection connection, ExpectedDevice[] devices, string author)
    {
        if (devices.Length == 0)
            return;
        var rows = string.Join(", ", devices.Select((_, i) => $"($s{i}, $k{i}, $g{i}, $l{i}, $author, $now)"));
        connection.Execute($"INSERT INTO expected_devices (serial, key_hash, into_groups, label_text, author, added) VALUES {rows}",
        [
            ("$author", author), ("$now", time.GetUtcNow()),
            .. devices.SelectMany((d, i) => new (string, object?)[] { ($"$s{i}", d.Serial), ($"$k{i}", d.Key?.ToString() ?? ""), ($"$g{i}", d.GroupText), ($"$l{i}", d.LabelText) }),
        ]);
    }

    private static ExpectedDeviceInfo Read(DbDataReader row)
    {
        string[] groups = row.Text("into_groups").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var labels = row.Text("label_text").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('=', 2)).ToDictionary(l => l[0], l => l[1], StringComparer.Ordinal);
        return new ExpectedDeviceInfo(
            row.Text("serial"), row.Time("added"), row.Text("author"), row.Text("key_hash") is { Length: > 0 } key ? ObjectId.Parse(key) : null,
            groups.Length > 0 ? groups : null, labels.Count > 0 ? labels : null, row.TimeOrNull("used"), row.TextOrNull("device") is { } device ? KeyId.Parse(device) : null);
    }
}
