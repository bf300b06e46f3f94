using System.Globalization;
using System.Text;
using ContentTree.Server.Storage;

namespace ContentTree.Server.Fleet.Groups;

/// <summary>What a filter may ask of a device, and each as SQL.</summary>
internal sealed class FilterFields(DateTimeOffset now, bool isForGroup)
{
    private const string LabelPrefix = "label.";
    private const double LongestSeconds = 100.0 * 366 * 86400;

    // What a device is. The rest is how it does.
    private static readonly string[] Lasting = ["id", "name", "serial", "hardware", "architecture", "branch"];
    private static readonly string[] Texts = [.. Lasting, "state", "boot", "sync", "agent", "kernel"];
    private static readonly string[] Commits = ["running", "wanted", "target", "failed"];
    private static readonly string[] Times = ["seen", "enrolled"];
    private static readonly string[] Numbers = ["free", "size", "inodes", "memory", "drift"];

    public static string Names => string.Join(", ", [.. Texts, "health", .. Commits, .. Times, .. Numbers, "group", LabelPrefix + "NAME"]);

    /// <param name="parameter">Keeps a value and says by which name it stands in the SQL.</param>
    /// <exception cref="FormatException">There is no such field, or it cannot be compared like that.</exception>
    public string Compare(string field, string comparison, string value, Func<object?, string> parameter)
    {
        if (isForGroup && !Lasting.Contains(field) && !field.StartsWith(LabelPrefix, StringComparison.Ordinal))
            throw new FormatException($"a group's filter asks for {string.Join(", ", Lasting)} or {LabelPrefix}NAME, and '{field}' is none of them");
        if (Times.Contains(field))
            return Time(field, comparison, value, parameter);
        if (Numbers.Contains(field))
            return Number(field, comparison, value, parameter);
        if (comparison is "<" or ">")
            throw new FormatException($"'{field}' is no time and no number: only {string.Join(", ", [.. Times, .. Numbers])} are compared by < and >");
        var sql = Positive(field, comparison is "~" or "!~", value, parameter);
        return comparison[0] == '!' ? $"NOT {sql}" : sql;
    }

    private static string Positive(string field, bool isPattern, string value, Func<object?, string> parameter)
    {
        if (field.StartsWith(LabelPrefix, StringComparison.Ordinal))
        {
            var label = parameter(field[LabelPrefix.Length..]);
            return $"EXISTS (SELECT 1 FROM labels l WHERE l.device = d.id AND l.name = {label} AND {Is("l.value", isPattern, value, parameter)})";
        }
        if (field == "group")
            return $"EXISTS (SELECT 1 FROM group_members m WHERE m.device = d.id AND {Is("m.group_name", isPattern, value, parameter)})";
        if (Commits.Contains(field))
            return $"lower(coalesce(d.{field}, '')) LIKE {parameter(Pattern(isPattern ? value : value + "*"))} ESCAPE '\\'";
        if (field == "health")
            return Is($"CASE WHEN d.silent IS NOT NULL THEN '{Policies.Condition.Silent}' ELSE coalesce(d.health, '') END", isPattern, value, parameter);
        return Texts.Contains(field)
            ? Is($"coalesce(d.{field}, '')", isPattern, value, parameter)
            : throw new FormatException($"a device has no '{field}': {Names}");
    }

    private static string Is(string column, bool isPattern, string value, Func<object?, string> parameter) =>
        isPattern ? $"lower({column}) LIKE {parameter(Pattern(value))} ESCAPE '\\'" : $"{column} = {parameter(value)}";

    private string Time(string field, string comparison, string value, Func<object?, string> parameter)
    {
        var column = field == "seen" ? "d.last_seen" : "d.enrolled";
        // "seen > 2h": longer ago than that.
        return comparison switch
        {
            ">" => $"coalesce({column}, 0) < {parameter(now - Ago(value))}",
            "<" => $"coalesce({column}, 0) > {parameter(now - Ago(value))}",
            _ => throw new FormatException($"'{field}' is compared by < and >, with how long ago: seen>2h"),
        };
    }

    // Of a device that has not said it nothing is true.
    private static string Number(string field, string comparison, string value, Func<object?, string> parameter) => comparison is "<" or ">"
        ? $"(d.{field} IS NOT NULL AND d.{field} {comparison} {parameter(Amount(value))})"
        : throw new FormatException($"'{field}' is compared by < and >: {field}<500M");

    private static long Amount(string value)
    {
        var shift = value.Length > 1 ? value[^1] switch { 'K' => 10, 'M' => 20, 'G' => 30, 'T' => 40, _ => 0 } : 0;
        return long.TryParse(value.AsSpan(0, value.Length - (shift > 0 ? 1 : 0)), NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count <= long.MaxValue >> shift
            ? count << shift
            : throw new FormatException($"'{value}' is no number: digits, and K, M, G or T behind them for 1024, 1024² and so on");
    }

    private static TimeSpan Ago(string value)
    {
        var seconds = value.Length > 1 ? value[^1] switch { 's' => 1, 'm' => 60, 'h' => 3600, 'd' => 86400, _ => 0 } : 0;
        return seconds > 0 && int.TryParse(value.AsSpan(0, value.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count) && (double)count * seconds <= LongestSeconds
            ? TimeSpan.FromSeconds((double)count * seconds)
            : throw new FormatException($"'{value}' is no time: a number and s, m, h or d, a hundred years at most");
    }

    private static string Pattern(string value)
    {
        var pattern = new StringBuilder();
        foreach (var c in Sql.Lower(value))
        {
            pattern.Append(c switch
            {
                '*' => "%",
                '?' => "_",
                '%' or '_' or '\\' => $"\\{c}",
                _ => c.ToString(),
            });
        }
        return pattern.ToString();
    }
}
