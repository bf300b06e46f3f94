using ContentTree.Server.Storage;

namespace ContentTree.Tests.Server;

/// <summary>A database that takes no new row in one table, as long as this lives.</summary>
internal sealed class RefusedWrites : IDisposable
{
    private readonly Database _database;
    private readonly string _table;

    public RefusedWrites(Database database, string table)
    {
        (_database, _table) = (database, table);
        using var connection = database.Connect();
        if (database.IsShared)
            connection.Execute("CREATE OR REPLACE FUNCTION refuse() RETURNS trigger AS 'BEGIN RAISE EXCEPTION ''refused by the test''; END' LANGUAGE plpgsql");
        connection.Execute($"CREATE TRIGGER refused BEFORE INSERT ON {table} {(database.IsShared ? "FOR EACH ROW EXECUTE FUNCTION refuse()" : "BEGIN SELECT RAISE(ABORT, 'refused by the test'); END")}");
    }

    public void Dispose()
    {
        using var connection = _database.Connect();
        connection.Execute($"DROP TRIGGER refused{(_database.IsShared ? $" ON {_table}" : "")}");
    }
}
