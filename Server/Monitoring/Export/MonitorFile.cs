using System.Globalization;

namespace ContentTree.Server.Monitoring.Export;

/// <summary>
/// Reads monitor definitions (docs/monitoring.md): <c>[name]</c> and below it <c>key = value</c>. Whoever publishes writes them, and a monitoring site may put
/// arguments on a shell's command line: of them only what no shell cares for is let through.
/// </summary>
internal static class MonitorFile
{
    public const int MaxBytes = 64 * 1024;

    private const int MaxName = 64;
    private const int MaxArguments = 16;
    private const int MaxText = 200;
    private const string Harmless = " _.,:/%+=@-";

    /// <param name="place">For messages.</param>
    /// <exception cref="FormatException">A line cannot be used; the message names it.</exception>
    public static IReadOnlyList<Monitor> Parse(string text, string place)
    {
        var monitors = new List<Monitor>();
        foreach (var (number, line) in text.Split('\n').Index().Select(l => (l.Index + 1, l.Item.Trim())).Where(l => l.Item2.Length > 0 && l.Item2[0] != '#'))
        {
            try
            {
                if (line is ['[', .. var name, ']'])
                    monitors.Add(new Monitor(Name(name), "", []));
                else if (monitors.Count == 0 || line.Split('=', 2, StringSplitOptions.TrimEntries) is not [var key, var value])
                    throw new FormatException("is no [name] and no 'key = value' below one");
                else
                    monitors[^1] = With(monitors[^1], key, value);
            }
            catch (FormatException e)
            {
                throw new FormatException($"{place}: line {number} {e.Message}", e);
            }
        }
        return monitors.Find(m => m.Command.Length == 0) is { } idle ? throw new FormatException($"{place}: [{idle.Name}] has no command")
            : monitors.Select(m => m.Name).Distinct().Count() < monitors.Count ? throw new FormatException($"{place}: a name stands there twice")
            : monitors;
    }

    /// <summary>What an operator says of one device by a label: <c>COMMAND!ARGUMENT!ARGUMENT</c>.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static Monitor ParseLabel(string name, string told) => told.Split('!') switch
    {
        [var command, .. var arguments] => new Monitor(Name(name), Name(command), Arguments(arguments)),
        _ => throw new FormatException("is no command"),
    };

    public static bool IsName(string text) => text.Length is > 0 and <= MaxName && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.');

    private static Monitor With(Monitor monitor, string key, string value) => key switch
    {
        "command" => monitor with { Command = Name(value) },
        "argument" => monitor with { Arguments = Arguments([.. monitor.Arguments, value]) },
        "title" => monitor with { Title = Text(value) },
        "interval" => monitor with { Minutes = value.EndsWith("min", StringComparison.Ordinal) ? Number(value[..^3], 1440) : throw new FormatException("has an interval that is not such as 5min") },
        "retries" => monitor with { Retries = Number(value, 100) },
        _ => throw new FormatException($"says '{key}', which is none of command, argument, title, interval, retries"),
    };

    private static string Name(string text) => IsName(text) ? text : throw new FormatException($"has a name that is not 1 to {MaxName} letters, digits, '.', '_' or '-'");

    private static IReadOnlyList<string> Arguments(IReadOnlyList<string> arguments) =>
        arguments.Count <= MaxArguments && arguments.All(a => a.Length is > 0 and <= MaxText && a.All(c => char.IsAsciiLetterOrDigit(c) || Harmless.Contains(c, StringComparison.Ordinal)))
            ? arguments
            : throw new FormatException($"has more than {MaxArguments} arguments, or one that is empty, too long, or has more than letters, digits and '{Harmless}' in it");

    private static string Text(string text) => text.Length <= MaxText && !text.Any(char.IsControl) ? text : throw new FormatException($"is longer than {MaxText} characters or has control characters");

    private static int Number(string text, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 && number <= most ? number : throw new FormatException($"has a number that is not 1 to {most}");
}
