namespace ContentTree.Server.Fleet.Groups;

/// <summary>
/// Which devices are meant, as people write it (<c>group==lab and health!=ok</c>), and the same as a condition of SQL over <c>devices d</c>.
/// What people wrote travels as parameters only.
/// </summary>
/// <param name="Text">As it was written.</param>
/// <param name="Sql">The condition.</param>
/// <param name="Parameters">What stands in it.</param>
internal sealed record FleetFilter(string Text, string Sql, IReadOnlyList<(string Name, object? Value)> Parameters)
{
    /// <summary>Every device.</summary>
    public static FleetFilter All { get; } = new("", "1 = 1", []);

    /// <exception cref="FormatException">It is none; the message says where.</exception>
    public static FleetFilter Parse(string text, DateTimeOffset now) => text.Trim().Length == 0 ? All : new FilterParser(text, now, isForGroup: false).Parse();

    /// <summary>Of these, only devices of some groups; null for all.</summary>
    public FleetFilter Within(IReadOnlyList<string>? groups) => groups is null ? this
        : new FleetFilter(Text, $"({Sql}) AND EXISTS (SELECT 1 FROM group_members w WHERE w.device = d.id AND w.group_name IN ({(groups.Count > 0 ? string.Join(", ", groups.Select((_, i) => $"$w{i}")) : "NULL")}))",
            [.. Parameters, .. groups.Select((group, i) => ($"$w{i}", (object?)group))]);

    /// <summary>For a group: of what a device is, not of how it does, so that nobody moves between groups while an update runs.</summary>
    /// <exception cref="FormatException">It is none, or asks for something else.</exception>
    public static FleetFilter ParseForGroup(string text) => new FilterParser(text, default, isForGroup: true).Parse();
}
