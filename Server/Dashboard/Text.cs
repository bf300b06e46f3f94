using System.Globalization;

namespace ContentTree.Server.Dashboard;

/// <summary>How numbers and times look to people.</summary>
internal static class Text
{
    private static readonly string[] Units = ["B", "KB", "MB", "GB", "TB", "PB"];

    public static string Exact(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    public static string Ago(DateTimeOffset time, DateTimeOffset now)
    {
        var past = now - time;
        return past < TimeSpan.Zero ? $"in {Span(-past)}" : past < TimeSpan.FromSeconds(5) ? "just now" : $"{Span(past)} ago";
    }

    public static string Span(TimeSpan span) => span switch
    {
        { TotalSeconds: < 60 } => $"{(int)span.TotalSeconds} s",
        { TotalMinutes: < 60 } => $"{(int)span.TotalMinutes} min",
        { TotalHours: < 48 } => $"{(int)span.TotalHours} h",
        { TotalDays: < 730 } => $"{(int)span.TotalDays} days",
        _ => $"{(int)(span.TotalDays / 365.25)} years",
    };

    public static string Bytes(long bytes)
    {
        double value = bytes;
        var unit = 0;
        for (; Math.Abs(value) >= 1000 && unit < Units.Length - 1; unit++)
            value /= 1000;
        return value.ToString(unit == 0 || Math.Abs(value) >= 100 ? "0" : "0.0", CultureInfo.InvariantCulture) + " " + Units[unit];
    }

    public static string Signed(long bytes) => (bytes > 0 ? "+" : bytes < 0 ? "−" : "") + Bytes(Math.Abs(bytes));

    /// <summary>With thin spaces between the thousands.</summary>
    public static string Number(long number) => number.ToString("#,0", CultureInfo.InvariantCulture).Replace(',', ' ');

    public static string Count(long number, string one, string? many = null) => $"{Number(number)} {(number == 1 ? one : many ?? one + "s")}";

    /// <summary>The beginning of what may be long.</summary>
    public static string Cut(string text, int most) => text.Length <= most ? text : $"{text[..(char.IsHighSurrogate(text[most - 1]) ? most - 1 : most)]}…";

    /// <summary>A message as a sentence of its own.</summary>
    public static string Sentence(string message) => message.Length == 0 ? "" : char.ToUpperInvariant(message[0]) + message[1..] + (message[^1] is '.' or '?' ? "" : ".");

    /// <summary>A name as part of a path: branch names keep their slashes.</summary>
    public static string Path(string name) => string.Join('/', name.Split('/').Select(Uri.EscapeDataString));
}
