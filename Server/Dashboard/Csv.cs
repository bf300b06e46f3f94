using System.Globalization;

namespace ContentTree.Server.Dashboard;

/// <summary>Tables for spreadsheets.</summary>
internal static class Csv
{
    public static string Line(params object?[] cells) => string.Join(',', cells.Select(Cell)) + "\n";

    // A spreadsheet would run what begins like a formula; devices choose their names.
    private static string Cell(object? value)
    {
        var text = Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
        if (text is ['=' or '+' or '-' or '@' or '\t' or '\r', ..])
            text = "'" + text;
        return text.AsSpan().IndexOfAny(",\"\n\r ") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }
}
