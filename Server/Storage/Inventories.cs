using System.Data.Common;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Storage;

/// <summary>What devices say they are made of, as columns beside them.</summary>
internal static class Inventories
{
    // A twentieth of the disk, or of few inodes so many, is no room for an update.
    private const int LowShare = 20;
    private const int LowInodes = 1000;

    public static void Write(DbConnection connection, KeyId device, DeviceInventory told, DateTimeOffset at) => connection.Execute(
        "UPDATE devices SET told = $at, agent = $agent, kernel = $kernel, memory = $memory, size = $size, free = $free, inodes = $inodes, low = $low WHERE id = $id",
        ("$id", device), ("$at", at), ("$agent", told.Agent), ("$kernel", told.Kernel), ("$memory", told.Memory), ("$size", told.Size), ("$free", told.Free), ("$inodes", told.Inodes),
        ("$low", IsLow(told) ? 1 : 0));

    /// <summary>Null of a device that has not said it.</summary>
    public static DeviceInventory? Read(DbDataReader row) => row.TimeOrNull("told") is null ? null : new DeviceInventory(
        row.TextOrNull("agent"), row.TextOrNull("kernel"), row.NumberOrNull("memory"), row.NumberOrNull("size"), row.NumberOrNull("free"), row.NumberOrNull("inodes"));

    private static bool IsLow(DeviceInventory told) => told.Free < told.Size / LowShare || told.Inodes < LowInodes;
}
