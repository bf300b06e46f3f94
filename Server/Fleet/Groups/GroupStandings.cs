using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Fleet.Groups;

/// <summary>How the devices of the largest groups stand. A look at each of their members: it takes a second where there are a million.</summary>
internal sealed class GroupStandings(Database database)
{
    /// <param name="groups">Only of these; null for all.</param>
    /// <returns>The group with the most devices first; none without devices.</returns>
    public IReadOnlyList<(GroupName Name, IReadOnlyDictionary<Standing, long> Standings)> Largest(int most, IReadOnlyList<string>? groups)
    {
        using var connection = database.Connect();
        var largest = connection.Query($"SELECT group_name FROM group_members {(groups is null ? "" : $"WHERE group_name IN ({Names(groups)})")} GROUP BY group_name ORDER BY count(*) DESC, group_name LIMIT $most",
            row => row.Text("group_name"), [("$most", most), .. Values(groups ?? [])]);
        var counted = connection.Query($"""
            SELECT m.group_name AS group_name, d.state AS state, d.sync AS sync, CASE WHEN d.silent IS NULL THEN 0 ELSE 1 END AS quiet, count(*) AS devices
            FROM group_members m JOIN devices d ON d.id = m.device WHERE m.group_name IN ({Names(largest)}) GROUP BY 1, 2, 3, 4
            """, row => (Name: row.Text("group_name"), Standing: Read(row), Devices: row.Number("devices")), [.. Values(largest)]).ToLookup(c => c.Name);
        return [.. largest.Select(name => (GroupName.Parse(name), (IReadOnlyDictionary<Standing, long>)counted[name].GroupBy(c => c.Standing).ToDictionary(g => g.Key, g => g.Sum(c => c.Devices))))];
    }

    private static string Names(IReadOnlyList<string> groups) => groups.Count > 0 ? string.Join(", ", groups.Select((_, i) => $"$g{i}")) : "NULL";

    private static IEnumerable<(string, object?)> Values(IReadOnlyList<string> groups) => groups.Select((group, i) => ($"$g{i}", (object?)group));

    private static Standing Read(System.Data.Common.DbDataReader row) => Standings.Of(
        new DeviceInfo(default, "", Devices.StateOf(row.Text("state")), "", "", default, default, null, Sync: row.TextOrNull("sync"), Silent: row.Number("quiet") != 0 ? default(DateTimeOffset) : null));
}
