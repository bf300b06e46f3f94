using System.Globalization;

namespace ContentTree.Server.Storage;

/// <summary><c>server.conf</c> of a data directory: <c>key = value</c> lines, <c>#</c> begins a comment. Without it everything has its default.</summary>
internal sealed class ServerSettings
{
    public const string FileName = "server.conf";

    private const string Privileged = "publish.privileged";
    private const string Hours = "timestamp.hours";
    private const string ReleaseKeys = "release.keys";
    private const int MaxHours = 24 * 366;

    private ServerSettings()
    {
    }

    /// <summary>Publishes that give a path new privileges are refused, unless whoever publishes here says that it is meant.</summary>
    public bool RefusesPrivileged { get; private set; }

    /// <summary>How long a device believes that a head is the newest.</summary>
    public TimeSpan TimestampValidity { get; private set; } = TimeSpan.FromHours(24);

    /// <summary>A running server never opens <c>keys/</c>: what is published over HTTP brings its signatures with it.</summary>
    public bool KeepsReleaseKeysElsewhere { get; private set; }

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
        switch (text.Split('=', 2, StringSplitOptions.TrimEntries))
        {
            case [Privileged, "report"]:
                RefusesPrivileged = false;
                break;
            case [Privileged, "refuse"]:
                RefusesPrivileged = true;
                break;
            case [Privileged, var other]:
                throw new FormatException($"{place}: {Privileged} is 'report' or 'refuse', not '{other}'");
            case [ReleaseKeys, "local"]:
                KeepsReleaseKeysElsewhere = false;
                break;
            case [ReleaseKeys, "external"]:
                KeepsReleaseKeysElsewhere = true;
                break;
            case [ReleaseKeys, var other]:
                throw new FormatException($"{place}: {ReleaseKeys} is 'local' or 'external', not '{other}'");
            case [Hours, var hours]:
                TimestampValidity = int.TryParse(hours, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 and <= MaxHours
                    ? TimeSpan.FromHours(number)
                    : throw new FormatException($"{place}: {Hours} is a number from 1 to {MaxHours}, not '{hours}'");
                break;
            case [var name, ..]:
                throw new FormatException($"{place}: '{name}' is no setting; docs/operations.md lists them");
        }
    }
}
