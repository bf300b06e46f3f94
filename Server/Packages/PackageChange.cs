namespace ContentTree.Server.Packages;

/// <summary>A package that differs between two trees.</summary>
/// <param name="Before">Its versions on the left, apart by spaces; empty when it is not there.</param>
/// <param name="After">Its versions on the right.</param>
internal sealed record PackageChange(string Kind, string Name, string Before, string After)
{
    public static IEnumerable<PackageChange> Between(IReadOnlyList<InstalledPackage> left, IReadOnlyList<InstalledPackage> right)
    {
        var (before, after) = (ByName(left), ByName(right));
        return before.Keys.Union(after.Keys).OrderBy(k => k.Kind, StringComparer.Ordinal).ThenBy(k => k.Name, StringComparer.Ordinal)
            .Select(k => new PackageChange(k.Kind, k.Name, before.GetValueOrDefault(k, ""), after.GetValueOrDefault(k, "")))
            .Where(c => c.Before != c.After);
    }

    public override string ToString() => Before.Length == 0 ? $"+ {Kind} {Name} {After}" : After.Length == 0 ? $"- {Kind} {Name} {Before}" : $"! {Kind} {Name} {Before} -> {After}";

    // Two architectures of one package have one name.
    private static Dictionary<(string Kind, string Name), string> ByName(IReadOnlyList<InstalledPackage> packages) =>
        packages.GroupBy(p => (p.Kind, p.Name)).ToDictionary(g => g.Key, g => string.Join(' ', g.Select(p => p.Version).Distinct()));
}
