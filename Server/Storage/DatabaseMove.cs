using System.Text;
using ContentTree.Store;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Storage;

/// <summary>
/// Moves what a server knows into another database, and the server with it. Until <c>server.conf</c> names the new one, which is one durable
/// step, the old one counts; killed before that, the same move begins again.
/// </summary>
internal sealed class DatabaseMove(string dataPath)
{
    private const string MarkName = "migrate.unfinished";
    private const int MaxMark = 4096;

    /// <summary>What a database has in it that is not empty: anything that a server was ever told.</summary>
    private static readonly string[] Telling = ["tokens", "devices", "users", "audit"];

    /// <param name="text">Where PostgreSQL is; null for <c>server.db</c>.</param>
    /// <returns>The number of rows.</returns>
    /// <exception cref="DatabaseTakenException">It is where the server is already, or somebody else's.</exception>
    public long Run(string? text)
    {
        var address = text is null ? null : PostgresAddress.Parse(text);
        using var root = Posix.OpenDirectory(dataPath);
        using var serving = DataDirectory.LockServing(dataPath, exclusive: true);
        var file = Path.Combine(dataPath, DataDirectory.DatabaseName);
        var settings = ServerSettings.Load(dataPath);
        Database from = settings.Database is { } present ? PostgresDatabase.Open(present) : SqliteDatabase.Open(file);
        var mark = Encoding.UTF8.GetBytes(address?.Identity ?? DataDirectory.DatabaseName);
        var isBegun = DurableFiles.TryRead(root, Encoding.UTF8.GetBytes(MarkName), MaxMark) is { } begun && begun.AsSpan().SequenceEqual(mark);
        if (address?.Identity == settings.Database?.Identity)
        {
            if (!isBegun)
                throw new DatabaseTakenException($"{from.Name}: this is where it is already");
            // Killed after the step that counts.
            End(root, address is null ? null : file);
            return 0;
        }
        Database to = address is not null ? PostgresDatabase.Open(address) : SqliteDatabase.Open(file);
        if (!isBegun && !IsEmpty(to))
            throw new DatabaseTakenException($"{to.Name} has devices, users, tokens or an audit log in it: name an empty one");
        DurableFiles.Replace(root, Encoding.UTF8.GetBytes(MarkName), mark);
        var rows = DatabaseCopy.Run(from, to);
        SettingsFile.Write(dataPath, ServerSettings.DatabaseKey, text);
        End(root, from is SqliteDatabase ? file : null);
        return rows;
    }

    /// <param name="left">What it was moved out of: whoever takes the line out of server.conf one day must not find the server of today.</param>
    private void End(SafeFileHandle root, string? left)
    {
        if (left is not null && File.Exists(left))
        {
            SqliteDatabase.Open(left).Close();
            File.Move(left, $"{left}.moved", overwrite: true);
        }
        Posix.UnlinkAt(root, Encoding.UTF8.GetBytes(MarkName));
        Posix.Fsync(root, dataPath);
    }

    private static bool IsEmpty(Database database)
    {
        using var connection = database.Connect();
        return Telling.All(table => connection.Query($"SELECT count(*) FROM {table}", row => row.GetInt64(0))[0] == 0);
    }
}
