using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;

namespace ContentTree.Server.Storage;

/// <summary>
/// Where a PostgreSQL database is: <c>postgresql://USER@HOST:PORT/DATABASE?sslmode=require&amp;schema=NAME</c>, as libpq writes it. Without a host
/// the socket of this machine, or <c>?host=DIRECTORY</c>. The password is better in <c>~/.pgpass</c> (<c>PGPASSFILE</c>) than in it.
/// </summary>
internal sealed partial class PostgresAddress
{
    // In each of two pools; PostgreSQL has room for 100 of everybody's as it comes.
    private const int MostConnections = 20;
    private const int DefaultPort = 5432;
    private const string DefaultSockets = "/var/run/postgresql";
    private const string Scheme = "postgresql";

    private readonly NpgsqlConnectionStringBuilder _values = new() { MaxAutoPrepare = 200, ConnectionIdleLifetime = 60, MaxPoolSize = MostConnections, ApplicationName = "ctree-server", Timezone = "UTC" };

    private PostgresAddress()
    {
    }

    /// <summary>Host and database, without user and password.</summary>
    public string Name => $"{Scheme}://{(_values.Host!.StartsWith('/') ? "" : _values.Host)}/{_values.Database}{(_values.SearchPath is { } schema ? $"?schema={schema}" : "")}";

    /// <summary>All that says which database it is, and no password.</summary>
    public string Identity => $"{_values.Username}@{_values.Host}:{_values.Port}/{_values.Database}?schema={_values.SearchPath}";

    /// <exception cref="FormatException">It cannot be used; the message does not repeat it, for it may hold a password.</exception>
    public static PostgresAddress Parse(string text)
    {
        if (text.Any(c => c is '#' or ' ' || char.IsControl(c)))
            throw new FormatException("an address has no '#', no space and no control character in it; write %23 and %20");
        if (Form().Match(text) is not { Success: true } parts)
            throw new FormatException($"a database is {Scheme}://USER@HOST:PORT/NAME");
        var address = new PostgresAddress();
        var values = address._values;
        values.Username = Part(parts, "user");
        values.Password = Part(parts, "password");
        values.Host = Part(parts, "host")?.Trim('[', ']') ?? DefaultSockets;
        values.Port = parts.Groups["port"] is { Success: true } port ? Port(port.Value) : DefaultPort;
        values.Database = Part(parts, "name");
        foreach (var option in parts.Groups["options"].Value.Split('&', StringSplitOptions.RemoveEmptyEntries))
            address.Take(option);
        return address;
    }

    /// <param name="settings">Settings of the server for the time of a connection: <c>name=value</c>.</param>
    public string ConnectionString(params ReadOnlySpan<string> settings) =>
        new NpgsqlConnectionStringBuilder(_values.ConnectionString) { Options = string.Join(' ', settings.ToArray().Select(setting => $"-c {setting}")) }.ConnectionString;

    private static string? Part(Match parts, string name) => parts.Groups[name] is { Success: true, Value: { Length: > 0 } value } ? Uri.UnescapeDataString(value) : null;

    private static int Port(string text) => ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port > 0
        ? port
        : throw new FormatException("the port of a database is a number from 1 to 65535");

    // Not as Uri reads it: a user without a host is usual here, and wrong there.
    [GeneratedRegex(@"^postgres(ql)?://((?<user>[^:@/?]*)(:(?<password>[^@/?]*))?@)?(?<host>\[[0-9a-fA-F:.]+\]|[^\[:@/?]*)(:(?<port>[0-9]{1,5}))?/(?<name>[^/?]+)(\?(?<options>.*))?$", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex Form();

    private void Take(string option)
    {
        var (name, value) = option.Split('=', 2) switch
        {
            [var key, var text] => (key, Uri.UnescapeDataString(text)),
            _ => (option, ""),
        };
        switch (name)
        {
            case "host" when value.StartsWith('/'):
                _values.Host = value;
                break;
            case "port":
                _values.Port = Port(value);
                break;
            case "schema" when value.Length > 0 && value.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_'):
                _values.SearchPath = value;
                break;
            case "sslmode" when Enum.TryParse<SslMode>(value.Replace("-", "", StringComparison.Ordinal), ignoreCase: true, out var mode):
                _values.SslMode = mode;
                break;
            case "sslrootcert" when value.StartsWith('/'):
                _values.RootCertificate = value;
                break;
            default:
                throw new FormatException($"'{name}' of a database is host (a directory), port, schema, sslmode or sslrootcert");
        }
    }
}
