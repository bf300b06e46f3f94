using System.Data.Common;
using ContentTree.Server.Storage;

namespace ContentTree.Server.Fleet;

/// <summary>Numbers that rise whenever what the fleet is to do, or to be configured with, may have changed, so that everybody who remembers them knows when to look again.</summary>
internal static class FleetStamp
{
    /// <summary>Inside the caller's transaction.</summary>
    public static void Raise(DbConnection connection)
    {
        connection.Execute("UPDATE fleet_stamp SET number = number + 1");
        ChangeBell.Ring(connection);
    }

    /// <summary>The same for the configuration alone, which decides about no commit.</summary>
    public static void RaiseConfiguration(DbConnection connection) => connection.Execute("UPDATE fleet_stamp SET configuration = configuration + 1");

    public static long Read(DbConnection connection) => connection.Query("SELECT number FROM fleet_stamp", row => row.GetInt64(0))[0];

    public static FleetStamps ReadAll(DbConnection connection) => connection.Query("SELECT number, configuration FROM fleet_stamp", row => new FleetStamps(row.GetInt64(0), row.GetInt64(1)))[0];
}
