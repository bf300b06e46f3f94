namespace ContentTree.Server.Storage;

/// <summary><c>server.conf</c> of a data directory: <c>key = value</c> lines, <c>#</c> begins a comment. Without it everything has its default.</summary>
internal sealed class ServerSettings
{
    public const string FileName = "server.conf";

    private const string Privileged = "publish.privileged";

    private ServerSettings()
    {
    }

    /// <summary>Publishes that give a path new privileges are refused, unless whoever publishes here says that it is meant.</summary>
    public bool RefusesPrivileged { get; private set; }

    /// <exception cref="FormatException">A line cannot be used; the message names it.</exception>
    public static ServerSettings Load(string dataPath)
    {
        var settings = new ServerSettings();
        var path = Path.Combine(dataPath, FileName);
        if (!File.Exists(path))
            return settings;
        var number = 0;
        foreach (var line in File.ReadLines(path))
        {
            number++;
            if (line.Split('#')[0].Trim() is { Length: > 0 } text)
                settings.Take(text, $"{path}:{number}");
        }
        return settings;
    }

    private void Take(string text, string place)
    {
        var parts = text.Split('=', 2, StringSplitOptions.TrimEntries);
        RefusesPrivileged = parts switch
        {
            [Privileged, "report"] => false,
            [Privileged, "refuse"] => true,
            [Privileged, var other] => throw new FormatException($"{place}: {Privileged} is 'report' or 'refuse', not '{other}'"),
            _ => throw new FormatException($"{place}: '{parts[0]}' is no setting; docs/operations.md lists them"),
        };
    }
}
