using System.Globalization;
using System.Net;

namespace ContentTree.Deploy.Config;

/// <summary>
/// Hands out values by key, later settings before earlier ones, and remembers which keys were asked for: the others are unknown.
/// </summary>
internal sealed class ConfigReader(IEnumerable<ConfigSetting> settings)
{
    private readonly Dictionary<string, ConfigSetting> _set = ByKey(settings);
    private readonly List<ConfigSetting> _effective = [];

    /// <summary>Every value that was asked for, with its origin, in that order.</summary>
    public IReadOnlyList<ConfigSetting> Effective => _effective;

    /// <summary>Settings that nobody asked for.</summary>
    public IEnumerable<ConfigSetting> Unknown => _set.Values.Where(s => _effective.All(e => e.Key != s.Key));

    public string Text(string key, string otherwise) => Take(key, otherwise).Value;

    /// <summary>Words apart by spaces.</summary>
    public IReadOnlyList<string> Words(string key) => Text(key, "").Split(' ', StringSplitOptions.RemoveEmptyEntries);

    public TimeSpan Duration(string key, string otherwise) =>
        Parse<TimeSpan>(key, otherwise, Durations.TryParse, "a time like 500ms, 30s, 5min, 2h or 1d");

    public long Bytes(string key, string otherwise) => Parse<long>(key, otherwise, TryBytes, "a size like 4096, 16M or 2G");

    public int Number(string key, string otherwise, int min, int max) => Parse(key, otherwise, (string text, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number >= min && number <= max,
        $"a number from {min} to {max}");

    /// <summary>A share from 0% to 100%, as a factor.</summary>
    public double Percent(string key, string otherwise) => Parse(key, otherwise, (string text, out double share) =>
    {
        var valid = int.TryParse(text.TrimEnd('%'), NumberStyles.None, CultureInfo.InvariantCulture, out var percent) && percent <= 100;
        share = percent / 100.0;
        return valid && text.EndsWith('%');
    }, "a share from 0% to 100%");

    public bool Flag(string key, string otherwise) => Choice(key, otherwise, "true", "false") == "true";

    public string Choice(string key, string otherwise, params string[] choices) => Parse(key, otherwise, (string text, out string choice) =>
    {
        choice = text;
        return choices.Contains(text);
    }, $"one of {string.Join(", ", choices)}");

    public Uri? Server(string key) => Parse(key, "", (string text, out Uri? uri) =>
    {
        uri = null;
        return text.Length == 0 || ServerUrl.TryParse(text, out uri);
    }, "an address like https://updates.example.com");

    /// <summary>Addresses and directories, apart by spaces or commas.</summary>
    public IReadOnlyList<Uri> Mirrors(string key) => Parse(key, "", (string text, out IReadOnlyList<Uri> mirrors) =>
    {
        var parsed = text.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries)
            .Select(item => Uri.TryCreate(item, UriKind.Absolute, out var uri) && (uri.IsFile || ServerUrl.TryParse(item, out _)) ? uri : null).ToArray();
        mirrors = [.. parsed.OfType<Uri>()];
        return mirrors.Count == parsed.Length;
    }, "a list of addresses and directories");

    /// <summary>Paths below the root of a tree, apart by spaces or commas.</summary>
    public IReadOnlyList<string> DataPaths(string key)
    {
        var setting = Take(key, "");
        var paths = setting.Value.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries);
        return BootFile.DataPaths.Problem(paths) is { Length: > 0 } problem ? throw new ConfigException(setting.Origin, $"{key} {problem}") : paths;
    }

    /// <summary>An address of this device with a port; null for none.</summary>
    public IPEndPoint? Endpoint(string key) => Parse(key, "", (string text, out IPEndPoint? endpoint) =>
    {
        endpoint = null;
        // The framework takes an address alone for one with port 0.
        return text.Length == 0 || (IPEndPoint.TryParse(text, out endpoint) && endpoint.ToString() == text);
    }, "an address with a port like 192.168.1.5:8481, 0.0.0.0:8481 or [::]:8481");

    public QuietHours? QuietHours(string key) => Parse(key, "", (string text, out QuietHours? hours) =>
        (hours = Config.QuietHours.TryParse(text)) is not null || text.Length == 0, "a time of day like 22:00-06:00 or 22:00-06:00 UTC");

    private T Parse<T>(string key, string otherwise, TryParser<T> parse, string expected)
    {
        var setting = Take(key, otherwise);
        return parse(setting.Value, out var value)
            ? value
            : throw new ConfigException(setting.Origin, $"{key} = {setting.Value} is not {expected}");
    }

    private ConfigSetting Take(string key, string otherwise)
    {
        var setting = _set.GetValueOrDefault(key) ?? new ConfigSetting(key, otherwise, ConfigSetting.Default);
        _effective.Add(setting);
        return setting;
    }

    private static bool TryBytes(string text, out long bytes)
    {
        var unit = text.Length == 0 ? ' ' : text[^1];
        var shift = unit switch { 'K' => 10, 'M' => 20, 'G' => 30, 'T' => 40, _ => 0 };
        var digits = shift == 0 ? text : text[..^1];
        var valid = long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= long.MaxValue >> shift;
        bytes = valid ? number << shift : 0;
        return valid;
    }

    private static Dictionary<string, ConfigSetting> ByKey(IEnumerable<ConfigSetting> settings)
    {
        var byKey = new Dictionary<string, ConfigSetting>(StringComparer.Ordinal);
        foreach (var setting in settings)
            byKey[setting.Key] = setting;
        return byKey;
    }

    private delegate bool TryParser<T>(string text, out T value);
}
