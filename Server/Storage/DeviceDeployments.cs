using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Storage;

/// <summary>The deployments and boots of a device, put together of what it reported; reports that never came leave gaps.</summary>
internal sealed class DeviceDeployments(Database database)
{
    private const int Shown = 10;

    /// <param name="Deployment">Its name.</param>
    /// <param name="Made">When it was made, by the device's clock.</param>
    /// <param name="Confirmed">When its trial ended well.</param>
    /// <param name="Left">When the device fell back from it or was rolled back.</param>
    internal sealed record Item(string Deployment, ObjectId? Commit, DateTimeOffset? Made, DateTimeOffset? Confirmed, DateTimeOffset? Left);

    /// <param name="Items">The newest ones first.</param>
    /// <param name="Kept">The first digits of other commits that are deployed there.</param>
    /// <param name="Boots">How many different boots have polled.</param>
    internal sealed record History(IReadOnlyList<Item> Items, IReadOnlyList<string> Kept, long Boots);

    public History Read(KeyId device)
    {
        using var connection = database.Connect();
        return new History(
            connection.Query($"""
                SELECT deployment, max(commit_id) AS commit_id, min(CASE WHEN kind = '{EventKind.Updated}' THEN time END) AS made, max(CASE WHEN kind = '{EventKind.Confirmed}' THEN time END) AS confirmed,
                  max(CASE WHEN kind IN ('{EventKind.FellBack}', '{EventKind.RolledBack}') THEN time END) AS departed
                FROM events WHERE device = $device AND deployment <> '' GROUP BY deployment ORDER BY max(sequence) DESC LIMIT $shown
                """, row => new Item(row.Text("deployment"), row.TextOrNull("commit_id") is { } commit ? ObjectId.Parse(commit) : null, row.TimeOrNull("made"), row.TimeOrNull("confirmed"), row.TimeOrNull("departed")),
                ("$device", device), ("$shown", Shown)),
            connection.Query("SELECT kept FROM devices WHERE id = $device", row => row.TextOrNull("kept"), ("$device", device)) is [{ Length: > 0 } kept] ? kept.Split(',') : [],
            connection.Query("SELECT coalesce(max(number), 0) FROM boots WHERE device = $device", row => row.GetInt64(0), ("$device", device))[0]);
    }
}
