using System.Diagnostics;
using System.Globalization;

namespace ContentTree.Tests.Support;

/// <summary>A real PostgreSQL with data of its own in a temporary folder, reached by a socket there; as the user <c>postgres</c> where the tests are root's.</summary>
internal sealed class PostgresServer : IDisposable
{
    private const string Package = "/usr/lib/postgresql";

    private static readonly Lazy<PostgresServer> Common = new(() =>
    {
        var server = new PostgresServer();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => server.Dispose();
        return server;
    });

    private readonly TemporaryDirectory _temporary = new();
    private int _schemas;

    public PostgresServer()
    {
        Directory.CreateDirectory(_temporary["run"]);
        if (Environment.UserName == "root")
            Shell.Run($"chown -R postgres {_temporary.Path} && chmod 711 {_temporary.Path}");
        As($"{Programs}/initdb -D {Data} -U ctree --auth=trust -E UTF8 --locale=C -N");
        Start();
        As($"createdb -h {Sockets} -U ctree ctree");
    }

    /// <summary>One for all tests of this process that ask for nothing but an empty database.</summary>
    public static PostgresServer Shared => Common.Value;

    /// <summary>Why it cannot run here; null when it can.</summary>
    public static string? Missing => Directory.Exists(Package) ? null : "needs PostgreSQL (Debian package postgresql)";

    private static string Programs => Path.Combine(Directory.GetDirectories(Package).Order(StringComparer.Ordinal).Last(), "bin");

    private string Data => _temporary["data"];

    private string Sockets => _temporary["run"];

    /// <summary>The address of an empty schema that nobody else uses.</summary>
    public string NewAddress()
    {
        var schema = string.Create(CultureInfo.InvariantCulture, $"test_{Interlocked.Increment(ref _schemas)}");
        As($"psql -q -h {Sockets} -U ctree -c 'CREATE SCHEMA {schema}' ctree");
        return $"postgresql://ctree@/ctree?host={Sockets}&schema={schema}";
    }

    /// <summary>What a query answers, as <c>psql</c> prints it without frames.</summary>
    public string Query(string address, string sql) => As($"PGOPTIONS='-c search_path={address.Split("schema=")[1]}' psql -qAt -h {Sockets} -U ctree -c \"{sql}\" ctree").TrimEnd();

    public void Start() => As($"{Programs}/pg_ctl -D {Data} -l {_temporary["run"]}/log -w -o \"-k {Sockets} -c listen_addresses='' -c fsync=off -c max_connections=2000\" start");

    /// <summary>Ends it as a power cut would, but for what the kernel still has.</summary>
    public void Kill() => As($"{Programs}/pg_ctl -D {Data} -m immediate -w stop");

    public void Dispose()
    {
        try
        {
            Kill();
        }
        catch (InvalidOperationException)
        {
            // It was ended already.
        }
        _temporary.Dispose();
    }

    private static string As(string command) =>
        Shell.Run(Environment.UserName == "root" ? $"cd / && setpriv --reuid postgres --regid postgres --clear-groups bash -c {Quote(command)} 2>&1" : command);

    private static string Quote(string command) => $"'{command.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
