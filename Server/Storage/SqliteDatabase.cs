using System.Data.Common;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using ContentTree.Store;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace ContentTree.Server.Storage;

/// <summary>A database in one file, <c>server.db</c> as a rule. The only place that opens SQLite.</summary>
internal sealed class SqliteDatabase : Database
{
    private const int OwnerOnly = 0x180;

    private readonly string _path;
    private readonly string _connectionString;
    private readonly string _hastyConnectionString;
    private bool _isPassing;

    static SqliteDatabase()
    {
        // The provider asks for "e_sqlite3", its own build; the system's library is patched by the distribution.
        NativeLibrary.SetDllImportResolver(typeof(SQLite3Provider_e_sqlite3).Assembly, Resolve);
        raw.SetProvider(new SQLite3Provider_e_sqlite3());
    }

    private SqliteDatabase(string path)
    {
        _path = path;
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

    public override string Name => _path;

    public override bool IsShared => false;

    public override long Size => new FileInfo(_path).Length;

    /// <summary>Opens the database, makes it when it is missing, and brings its schema up to date.</summary>
    public static SqliteDatabase Open(string path)
    {
        // Hashes of tokens and who the devices are: for the server's user only. SQLite gives its side files the same mode.
        using (var folder = Posix.OpenDirectory(Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/"))
        {
            var name = Encoding.UTF8.GetBytes(Path.GetFileName(path));
            if (Posix.StatAt(folder, name) is null)
                DurableFiles.TryCreate(folder, name, [], OwnerOnly);
        }
        var database = new SqliteDatabase(path);
        database.Migrate();
        return database;
    }

    /// <summary>Opens a database that ends with this process: nothing of it need last.</summary>
    public static SqliteDatabase OpenPassing(string path)
    {
        var database = Open(path);
        using var connection = database.Connect();
        connection.Execute("PRAGMA journal_mode = MEMORY");
        return new SqliteDatabase(path) { _isPassing = true };
    }

    /// <summary>Opens an index, which can be made again: it is never waited for, and a power cut may cost it.</summary>
    /// <param name="isShared">Other machines use the same file: a log ahead of it would need memory that they share.</param>
    public static SqliteDatabase OpenIndex(string path, string schema, bool isShared = false)
    {
        var database = new SqliteDatabase(path);
        using var connection = database.Connect();
        connection.Execute(isShared ? "PRAGMA journal_mode = DELETE" : "PRAGMA journal_mode = WAL");
        connection.Execute(schema);
        return database;
    }

    /// <summary>Opens somebody else's database for reading. Nothing in it is believed; the file is this process's own copy.</summary>
    public static DbConnection OpenForeign(string path)
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

    public override void CopyTo(string path)
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

    /// <summary>All of it is in its one file now, and nobody here has it open.</summary>
    public void Close()
    {
        // What this process keeps open for later would be in the way.
        foreach (var pool in new[] { _connectionString, _hastyConnectionString })
        {
            using var pooled = new SqliteConnection(pool);
            SqliteConnection.ClearPool(pooled);
        }
        using var connection = ConnectAs(_connectionString);
        connection.Execute("PRAGMA journal_mode = DELETE");
        SqliteConnection.ClearPool(connection);
    }

    public override DbConnection Connect()
    {
        var connection = ConnectAs(_connectionString);
        if (_isPassing)
            connection.Execute("PRAGMA synchronous = OFF");
        return connection;
    }

    // The setting outlives its user in the pool, so these have one of their own.
    public override SqliteConnection ConnectHastily()
    {
        var connection = ConnectAs(_hastyConnectionString);
        connection.Execute("PRAGMA synchronous = NORMAL");
        return connection;
    }

    public override string Joined(string column) => $"group_concat({column})";

    public override long Changes(DbConnection connection) => connection.Query("PRAGMA data_version", row => row.GetInt64(0))[0];

    protected override long SchemaVersion(DbConnection connection) => connection.Query("PRAGMA user_version", row => row.GetInt64(0))[0];

    protected override void WriteSchemaVersion(DbConnection connection, int version) => connection.Execute($"PRAGMA user_version = {version}");

    protected override void PrepareToMigrate(DbConnection connection) => connection.Execute("PRAGMA journal_mode = WAL");

    private static SqliteConnection ConnectAs(string connectionString)
    {
        var connection = new SqliteConnection(connectionString);
        connection.Open();
        return connection;
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path) =>
        name == "e_sqlite3" && NativeLibrary.TryLoad("libsqlite3.so.0", out var handle) ? handle : 0;
}
