using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using ContentTree.Store.Trees;

namespace ContentTree.Server.Commands;

/// <summary>How results look: tables for people, JSON with a schema's name and version for programs.</summary>
internal static class Printing
{
    /// <summary>Digits of an id that people are shown; any verb takes them back.</summary>
    public const int ShortId = 12;

    private const int ShownPrivileges = 20;

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

    /// <summary>A document whose format is somebody else's.</summary>
    public static void PrintDocument(this Terminal terminal, JsonObject document) => terminal.Out.WriteLine(document.ToJsonString(Indented));

    /// <summary>Columns as wide as their widest cell; nothing at all when there are no rows.</summary>
    public static void PrintTable(this Terminal terminal, string[] header, IReadOnlyList<string[]> rows)
    {
        if (rows.Count == 0)
            return;
        var widths = header.Select((title, column) => Math.Max(title.Length, rows.Max(row => row[column].Length))).ToArray();
        foreach (var row in rows.Prepend(header))
            terminal.Out.WriteLine(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
    }

    /// <summary>The first of them, for a person who has just published.</summary>
    public static void PrintPrivileges(this Terminal terminal, PrivilegeDiff diff)
    {
        terminal.Error.WriteLine($"privileges changed at {diff.Count} paths:");
        foreach (var change in diff.Changes.Take(ShownPrivileges))
            terminal.Error.WriteLine($"  {Privilege(change)}");
        if (diff.Count > ShownPrivileges)
            terminal.Error.WriteLine($"  and {diff.Count - ShownPrivileges} more; 'ctree-server diff --privileges' lists them");
    }

    public static string Privilege(PrivilegeChange change) => change switch
    {
        { Before.Length: 0 } => $"+ {change.Path}: {change.After}",
        { After.Length: 0 } => $"- {change.Path}: {change.Before}",
        _ => $"! {change.Path}: {change.Before} -> {change.After}",
    };

    public static JsonArray ToJson(IEnumerable<PrivilegeChange> changes) => new([.. changes.Select(c => new JsonObject
    {
        ["path"] = c.Path,
        ["before"] = c.Before,
        ["after"] = c.After,
    })]);

    public static string Short(object? id) => id?.ToString() is { Length: > ShortId } text ? text[..ShortId] : id?.ToString() ?? "-";

    public static string Time(DateTimeOffset? time) => time?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture) ?? "-";
}
