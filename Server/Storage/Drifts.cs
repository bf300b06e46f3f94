using System.Data.Common;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Storage;

/// <summary>How devices' <c>/etc</c> differs from their trees': counts as columns beside them, paths apart, as lists of devices need none.</summary>
internal static class Drifts
{
    public static void Write(DbConnection connection, KeyId device, DeviceDrift told, DateTimeOffset at)
    {
        connection.Execute("UPDATE devices SET drift = $drift, drift_added = $added, drift_changed = $changed, drift_removed = $removed, drift_told = $at WHERE id = $id",
            ("$id", device), ("$at", at), ("$drift", told.Count()), ("$added", told.Added), ("$changed", told.Changed), ("$removed", told.Removed));
        connection.Execute("DELETE FROM drifts WHERE device = $id", ("$id", device));
        // Without the device there is nothing to write it to.
        if (told.Paths is { Count: > 0 } paths)
            connection.Execute("INSERT INTO drifts (device, paths) SELECT id, $paths FROM devices WHERE id = $id", ("$id", device), ("$paths", string.Join('\n', paths)));
    }

    /// <summary>Null of a device that has not said it.</summary>
    public static DeviceDrift? Read(DbDataReader row) => row.TimeOrNull("drift_told") is null ? null : new DeviceDrift(
        (int)row.Number("drift_added"), (int)row.Number("drift_changed"), (int)row.Number("drift_removed"));

    /// <summary>The first paths that a device has named.</summary>
    public static IReadOnlyList<string>? Paths(DbConnection connection, KeyId device) =>
        connection.Query("SELECT paths FROM drifts WHERE device = $id", row => row.GetString(0), ("$id", device)) is [var paths] ? paths.Split('\n') : null;
}
