using ContentTree.Store.Objects;

namespace ContentTree.Server.Compositions;

/// <summary>What a part wants beside itself: "software/scope >= 1.4", kept in its commit as annotation "requires software/scope".</summary>
internal sealed record Requirement(BranchName Branch, string Comparison, string Version)
{
    private const string Prefix = "requires ";

    private static readonly string[] Comparisons = [">=", "<=", "=", ">", "<"];

    /// <exception cref="FormatException">It is none.</exception>
    public static Requirement Parse(string text) =>
        text.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var branch, var comparison, var version] && BranchName.TryParse(branch, out var name) && Comparisons.Contains(comparison)
            ? new Requirement(name, comparison, version)
            : throw new FormatException($"'{text}' is not BRANCH >= VERSION (or <=, =, >, <)");

    /// <summary>What a commit requires.</summary>
    public static IEnumerable<Requirement> Of(Commit commit) => commit.Annotations.Where(a => a.Key.StartsWith(Prefix, StringComparison.Ordinal))
        .SelectMany(a => a.Value.Split(',').Select(condition => Parse($"{a.Key[Prefix.Length..]} {condition}")));

    /// <summary>The annotations that say all of these.</summary>
    public static IEnumerable<KeyValuePair<string, string>> Annotations(IEnumerable<Requirement> requirements) =>
        requirements.GroupBy(r => r.Branch).Select(g => KeyValuePair.Create($"{Prefix}{g.Key}", string.Join(',', g.Select(r => $"{r.Comparison} {r.Version}"))));

    public bool IsMetBy(string version)
    {
        var order = DebianVersion.Compare(version, Version);
        return Comparison switch
        {
            ">=" => order >= 0,
            "<=" => order <= 0,
            "=" => order == 0,
            ">" => order > 0,
            _ => order < 0,
        };
    }

    public override string ToString() => $"{Branch} {Comparison} {Version}";
}
