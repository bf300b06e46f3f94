using ContentTree.Server.Storage;
using ContentTree.Tests.Support;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace ContentTree.Tests.Server;

/// <summary>
/// Where the servers of the tests keep their state: <c>CTREE_TEST_STORAGE</c> is <c>sqlite</c> (the default), <c>postgresql</c> or <c>postgresql+s3</c>.
/// The same tests run on each.
/// </summary>
internal static class TestStorage
{
    private static readonly string Chosen = Environment.GetEnvironmentVariable("CTREE_TEST_STORAGE") ?? "";

    public static bool IsPostgres { get; } = Chosen.StartsWith("postgresql", StringComparison.Ordinal);

    /// <summary>Whether objects are in a bucket.</summary>
    public static bool IsBucket { get; } = Chosen.EndsWith("+s3", StringComparison.Ordinal);

    /// <summary>Gives new data its database, before anything is in it.</summary>
    public static void Prepare(string dataPath)
    {
        var settings = Path.Combine(dataPath, ServerSettings.FileName);
        if (!IsPostgres || File.Exists(settings))
            return;
        Directory.CreateDirectory(dataPath);
        File.WriteAllText(settings, $"database = {PostgresServer.Shared.NewAddress()}\n{(IsBucket ? $"objects = {CephGateway.Shared.NewAddress()}\n" : "")}");
    }

    /// <summary>Writes settings, beside those that say where the state is.</summary>
    public static void WriteSettings(string dataPath, string text)
    {
        var settings = Path.Combine(dataPath, ServerSettings.FileName);
        File.WriteAllText(settings, $"{text.TrimEnd('\n')}\n{Kept(settings, "database")}\n{Kept(settings, "objects")}\n");
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
            File.WriteAllText(Path.Combine(dataPath, ServerSettings.FileName), $"database = {PostgresServer.Shared.NewAddress()}\n{Kept(Path.Combine(dataPath, ServerSettings.FileName), "objects")}\n");
        foreach (var file in Directory.GetFiles(dataPath, "server.db*"))
            File.Delete(file);
    }

    private static string? Kept(string settings, string key) => File.Exists(settings) ? File.ReadLines(settings).FirstOrDefault(line => line.StartsWith($"{key} =", StringComparison.Ordinal)) : null;
}
