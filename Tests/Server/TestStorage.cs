using ContentTree.Server.Storage;
using ContentTree.Tests.Support;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace ContentTree.Tests.Server;

/// <summary>
/// Where the servers of the tests keep their state: <c>CTREE_TEST_STORAGE</c> is <c>sqlite</c> (the default) or <c>postgresql</c>. The same tests
/// run on each.
/// </summary>
internal static class TestStorage
{
    public static bool IsPostgres { get; } = Environment.GetEnvironmentVariable("CTREE_TEST_STORAGE") == "postgresql";

    /// <summary>Gives new data its database, before anything is in it.</summary>
    public static void Prepare(string dataPath)
    {
        var settings = Path.Combine(dataPath, ServerSettings.FileName);
        if (!IsPostgres || File.Exists(settings))
            return;
        Directory.CreateDirectory(dataPath);
        File.WriteAllText(settings, $"database = {PostgresServer.Shared.NewAddress()}\n");
    }

    /// <summary>Writes settings, beside the one that says where the state is.</summary>
    public static void WriteSettings(string dataPath, string text)
    {
        var settings = Path.Combine(dataPath, ServerSettings.FileName);
        var database = File.Exists(settings) ? File.ReadLines(settings).FirstOrDefault(line => line.StartsWith("database", StringComparison.Ordinal)) : null;
        File.WriteAllText(settings, $"{text.TrimEnd('\n')}\n{database}\n");
    }

    /// <summary>Gives back the connections that nobody uses any more: every server of every test would keep some.</summary>
    public static void End()
    {
        if (IsPostgres)
            NpgsqlConnection.ClearAllPools();
    }

    /// <summary>Takes the database away from data that keeps its releases.</summary>
    public static void Lose(string dataPath)
    {
        SqliteConnection.ClearAllPools();
        if (ServerSettings.Load(dataPath).Database is not null)
            File.WriteAllText(Path.Combine(dataPath, ServerSettings.FileName), $"database = {PostgresServer.Shared.NewAddress()}\n");
        foreach (var file in Directory.GetFiles(dataPath, "server.db*"))
            File.Delete(file);
    }
}
