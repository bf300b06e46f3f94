using ContentTree.Server.Storage;

namespace ContentTree.Server.Monitoring;

/// <summary>The fleet in numbers, as the database has it when somebody asks.</summary>
internal sealed class FleetMetrics(Database database, TimeProvider time)
{
    private static readonly string[] States = ["accepted", "pending", "rejected"];
    private static readonly string[] Healths = ["ok", "trial", "fell-back", "failed"];
    private static readonly string[] Rollouts = ["waiting", "running", "paused"];
    private static readonly string[] Boots = ["good", "trial", "fallback", "other"];

    /// <summary>Devices by what was decided about them.</summary>
    public IEnumerable<(string State, long Count)> ByState() =>
        Count("SELECT state AS name, count(*) AS number FROM devices GROUP BY state", States, States[1]);

    /// <summary>Accepted devices by the state of their boot file.</summary>
    public IEnumerable<(string Boot, long Count)> ByBoot() =>
        Count("SELECT coalesce(boot, '') AS name, count(*) AS number FROM devices WHERE state = 'accepted' GROUP BY coalesce(boot, '')", Boots, Boots[^1]);

    /// <summary>Accepted devices by how they did at their last poll.</summary>
    public IEnumerable<(string Health, long Count)> ByHealth() =>
        Count("SELECT health AS name, count(*) AS number FROM devices WHERE state = 'accepted' AND health IS NOT NULL GROUP BY health", Healths, "");

    /// <summary>Rollouts that are not over.</summary>
    public IEnumerable<(string State, long Count)> ByRollout() =>
        Count("SELECT state AS name, count(*) AS number FROM rollouts WHERE state IN ('waiting', 'running', 'paused') GROUP BY state", Rollouts, "");

    /// <summary>Accepted devices that count as silent, those whose disks are nearly full, those whose keys are in use at two places, and those that have another commit than this server at a position of their branch.</summary>
    public (long Silent, long Low, long Cloned, long Forked) Troubled()
    {
        using var connection = database.Connect();
        return connection.Query("""
            SELECT count(silent) AS silent, count(CASE WHEN low = 1 THEN 1 END) AS low, count(cloned) AS cloned, count(fork) AS forked FROM devices WHERE state = 'accepted'
            """, row => (row.Number("silent"), row.Number("low"), row.Number("cloned"), row.Number("forked")))[0];
    }

    /// <summary>Accepted devices that were silent for longer, or never polled.</summary>
    public long SilentFor(TimeSpan span)
    {
        using var connection = database.Connect();
        return connection.Query("SELECT count(*) AS number FROM devices WHERE state = 'accepted' AND coalesce(last_seen, 0) < $then", row => row.Number("number"), ("$then", time.GetUtcNow() - span))[0];
    }

    /// <summary>Seconds since the last poll, of the device that is later than this share of the accepted ones.</summary>
    public IEnumerable<(double Share, double Seconds)> PollAges(params IReadOnlyList<double> shares)
    {
        using var connection = database.Connect();
        var count = connection.Query("SELECT count(*) AS number FROM devices WHERE state = 'accepted' AND last_seen IS NOT NULL", row => row.Number("number"))[0];
        foreach (var share in count == 0 ? [] : shares)
        {
            var last = connection.Query("SELECT last_seen FROM devices WHERE state = 'accepted' AND last_seen IS NOT NULL ORDER BY last_seen DESC LIMIT 1 OFFSET $skip",
                row => row.Time("last_seen"), ("$skip", Math.Min(count - 1, (long)(count * share))))[0];
            yield return (share, Math.Max(0, (time.GetUtcNow() - last).TotalSeconds));
        }
    }

    /// <summary>Branches that follow git repositories.</summary>
    public (long Fine, long Failed) Follows()
    {
        using var connection = database.Connect();
        var failed = connection.Query("SELECT count(*) AS number FROM follows WHERE error IS NOT NULL", row => row.Number("number"))[0];
        return (connection.Query("SELECT count(*) AS number FROM follows", row => row.Number("number"))[0] - failed, failed);
    }

    // What a device says of itself becomes no name.
    private IEnumerable<(string Name, long Count)> Count(string sql, string[] names, string other)
    {
        using var connection = database.Connect();
        var rows = connection.Query(sql, row => (Name: row.Text("name"), Number: row.Number("number")));
        return [.. names.Select(name => (name, rows.Where(r => r.Name == name || (name == other && !names.Contains(r.Name))).Sum(r => r.Number)))];
    }
}
