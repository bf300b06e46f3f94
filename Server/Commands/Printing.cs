using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ContentTree.Server.Commands;

/// <summary>How results look: tables for people, JSON with a schema's name and version for programs.</summary>
internal static class Printing
{
    /// <summary>Digits of an id that people are shown; any verb takes them back.</summary>
    public const int ShortId = 12;

    // Names of files and devices are for reading, also when they are not ASCII; the output is no web page.
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <param name="schema">Such as <c>ctree-server.devices/1</c>; the number rises when a field changes its meaning.</param>
    public static void PrintJson(this Terminal terminal, string schema, JsonObject content)
    {
        var named = new JsonObject { ["schema"] = schema };
        foreach (var (name, value) in content)
            named[name] = value?.DeepClone();
        terminal.Out.WriteLine(named.ToJsonString(Indented));
    }

    /// <summary>Columns as wide as their widest cell; nothing at all when there are no rows.</summary>
    public static void PrintTable(this Terminal terminal, string[] header, IReadOnlyList<string[]> rows)
    {
        if (rows.Count == 0)
            return;
        var widths = header.Select((title, column) => Math.Max(title.Length, rows.Max(row => row[column].Length))).ToArray();
        foreach (var row in rows.Prepend(header))
            terminal.Out.WriteLine(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
    }

    public static string Short(object? id) => id?.ToString() is { Length: > ShortId } text ? text[..ShortId] : id?.ToString() ?? "-";

    public static string Time(DateTimeOffset? time) => time?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture) ?? "-";
}
