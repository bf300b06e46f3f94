using System.Data.Common;
using ContentTree.Server.Storage;

namespace ContentTree.Server.Fleet;

/// <summary>A number that rises whenever what the fleet is to do may have changed, so that everybody who remembers it knows when to look again.</summary>
internal static class FleetStamp
{
    /// <summary>Inside the caller's transaction.</summary>
    public static void Raise(DbConnection connection) => connection.Execute("UPDATE fleet_stamp SET number = number + 1");

    public static long Read(DbConnection connection) => connection.Query("SELECT number FROM fleet_stamp", row => row.GetInt64(0))[0];
}
