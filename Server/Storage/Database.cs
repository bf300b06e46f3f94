using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using ContentTree.Store;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace ContentTree.Server.Storage;

/// <summary>
/// <c>server.db</c>: devices, their events, tokens and empty branches. What is published is not in it; without it devices
/// enrol again and nothing else is lost. The only place that opens SQLite.
/// </summary>
internal sealed class Database
{
    private const int BusySeconds = 15;
    private const int OwnerOnly = 0x180;

    private readonly string _connectionString;
    private readonly string _hastyConnectionString;
    private bool _isPassing;

    static Database()
    {
        // The provider asks for "e_sqlite3", its own build; the system's library is patched by the distribution.
        NativeLibrary.SetDllImportResolver(typeof(SQLite3Provider_e_sqlite3).Assembly, Resolve);
        raw.SetProvider(new SQLite3Provider_e_sqlite3());
    }

    private Database(string path)
    {
        var values = new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = SqliteOpenMode.ReadWriteCreate,
            DefaultTimeout = BusySeconds,
            ForeignKeys = true,
        };
        _connectionString = values.ToString();
        // What is the default anyway, said aloud: another string is another pool.
        values.Cache = SqliteCacheMode.Private;
        _hastyConnectionString = values.ToString();
    }

    /// <summary>Opens the database, makes it when it is missing, and brings its schema up to date.</summary>
    public static Database Open(string path)
    {
        // Hashes of tokens and who the devices are: for the server's user only. SQLite gives its side files the same mode.
        using (var folder = Posix.OpenDirectory(Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/"))
        {
            var name = Encoding.UTF8.GetBytes(Path.GetFileName(path));
            if (Posix.StatAt(folder, name) is null)
                DurableFiles.TryCreate(folder, name, [], OwnerOnly);
        }
        var database = new Database(path);
        using var connection = database.Connect();
        Migrations.Apply(connection, path);
        return database;
    }

    /// <summary>Opens a database that ends with this process: nothing of it need last.</summary>
    public static Database OpenPassing(string path)
    {
        var database = Open(path);
        using var connection = database.Connect();
        connection.Execute("PRAGMA journal_mode = MEMORY");
        return new Database(path) { _isPassing = true };
    }

    /// <summary>Opens an index, which can be made again: it is never waited for, and a power cut may cost it.</summary>
    public static Database OpenIndex(string path, string schema)
    {
        var database = new Database(path);
        using var connection = database.Connect();
        connection.Execute("PRAGMA journal_mode = WAL");
        connection.Execute(schema);
        return database;
    }

    /// <summary>Opens somebody else's database for reading. Nothing in it is believed; the file is this process's own copy.</summary>
    public static SqliteConnection OpenForeign(string path)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        try
        {
            connection.Open();
            connection.Execute("PRAGMA trusted_schema = OFF");
            connection.Execute("PRAGMA cell_size_check = ON");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Writes the database as it is at one moment to a new file; others go on reading and writing meanwhile.</summary>
    public void CopyTo(string path)
    {
        using var connection = Connect();
        connection.Execute("VACUUM INTO $path", ("$path", path));
    }

    /// <summary>Readers and writers do not wait for each other from now on. A copy has lost that.</summary>
    public void LogAhead()
    {
        using var connection = Connect();
        connection.Execute("PRAGMA journal_mode = WAL");
    }

    public SqliteConnection Connect()
    {
        var connection = new SqliteConnection(_connectionString);
        connection.Open();
        if (_isPassing)
            connection.Execute("PRAGMA synchronous = OFF");
        return connection;
    }

    /// <summary>For what a power cut may take back. The setting outlives its user in the pool, so these have one of their own.</summary>
    public SqliteConnection ConnectHastily()
    {
        var connection = new SqliteConnection(_hastyConnectionString);
        connection.Open();
        connection.Execute("PRAGMA synchronous = NORMAL");
        return connection;
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path) =>
        name == "e_sqlite3" && NativeLibrary.TryLoad("libsqlite3.so.0", out var handle) ? handle : 0;
}
