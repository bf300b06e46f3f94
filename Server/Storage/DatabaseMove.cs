using System.Text;
using ContentTree.Store;
using ContentTree.Store.Repositories;
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
            End(root, MarkName, address is null ? null : file);
            return 0;
        }
        Database to = address is not null ? PostgresDatabase.Open(address) : SqliteDatabase.Open(file);
        if (!isBegun)
            RequireEmpty(to);
        DurableFiles.Replace(root, Encoding.UTF8.GetBytes(MarkName), mark);
        var rows = DatabaseCopy.Run(from, to);
        SettingsFile.Write(dataPath, ServerSettings.DatabaseKey, text);
        End(root, MarkName, from is SqliteDatabase ? file : null);
        return rows;
    }

    /// <summary>The same where <c>server.conf</c> names the new database already. Nothing else opens the data until it has ended.</summary>
    /// <param name="text">Where the old one is; null for <c>server.db</c>.</param>
    /// <exception cref="DatabaseTakenException">The new one is not empty, or is the old one.</exception>
    /// <exception cref="NotFoundException">There is no old one.</exception>
    public long RunFrom(string? text)
    {
        using var root = Posix.OpenDirectory(dataPath);
        using var serving = DataDirectory.LockServing(dataPath, exclusive: true);
        var file = Path.Combine(dataPath, DataDirectory.DatabaseName);
        var present = ServerSettings.Load(dataPath).Database;
        var old = text is null ? null : PostgresAddress.Parse(text);
        if (old?.Identity == present?.Identity)
            throw new DatabaseTakenException($"{ServerSettings.FileName} names {text ?? DataDirectory.DatabaseName} itself: let it name the new database, or use --to");
        var mark = Encoding.UTF8.GetBytes($"{old?.Identity ?? DataDirectory.DatabaseName}\n{present?.Identity ?? DataDirectory.DatabaseName}");
        var begun = DurableFiles.TryRead(root, DataDirectory.UnfinishedMove, MaxMark);
        if (begun is not null && !begun.AsSpan().SequenceEqual(mark))
            throw new DatabaseTakenException($"{dataPath}: another move was begun, from and to{string.Join(" and ", Encoding.UTF8.GetString(begun).Split('\n').Prepend(""))}; end that one first");
        // Killed after everything was there.
        if (begun is not null && old is null && !File.Exists(file) && File.Exists($"{file}.moved"))
        {
            End(root, Encoding.UTF8.GetString(DataDirectory.UnfinishedMove), null);
            return 0;
        }
        if (old is null && !File.Exists(file))
            throw new NotFoundException($"{file}: no such database to move from");
        Database from = old is not null ? PostgresDatabase.Open(old) : SqliteDatabase.Open(file);
        Database to = present is not null ? PostgresDatabase.Open(present) : SqliteDatabase.Open(file);
        if (begun is null)
            RequireEmpty(to);
        DurableFiles.Replace(root, DataDirectory.UnfinishedMove, mark);
        var rows = DatabaseCopy.Run(from, to);
        End(root, Encoding.UTF8.GetString(DataDirectory.UnfinishedMove), old is null ? file : null);
        return rows;
    }

    /// <param name="left">What it was moved out of: whoever takes the line out of server.conf one day must not find the server of today.</param>
    private void End(SafeFileHandle root, string mark, string? left)
    {
        if (left is not null && File.Exists(left))
        {
            SqliteDatabase.Open(left).Close();
            File.Move(left, $"{left}.moved", overwrite: true);
        }
        Posix.UnlinkAt(root, Encoding.UTF8.GetBytes(mark));
        Posix.Fsync(root, dataPath);
    }

    private static void RequireEmpty(Database database)
    {
        if (!database.IsUntold)
            throw new DatabaseTakenException($"{database.Name} has devices, users, tokens or an audit log in it: name an empty one");
    }
}
