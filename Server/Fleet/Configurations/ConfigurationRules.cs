using ContentTree.Server.Fleet.Groups;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet.Configurations;

/// <summary>All that was said of the fleet and of groups: what every device's configuration follows from.</summary>
/// <param name="Keys">The keys that there are.</param>
/// <param name="Shared">Values of the fleet and of groups by scope.</param>
/// <param name="Ranks">Of a device's groups the lowest decides first.</param>
/// <param name="HasOwn">Some devices have values of their own.</param>
internal sealed record ConfigurationRules(
    IReadOnlyDictionary<ConfigurationKey, KeyDefinition> Keys,
    IReadOnlyDictionary<ConfigurationScope, IReadOnlyList<StoredValue>> Shared,
    IReadOnlyDictionary<GroupName, long> Ranks,
    bool HasOwn)
{
    /// <summary>A device's values, by key.</summary>
    /// <param name="groups">Those it is in.</param>
    /// <param name="own">What was said of it alone.</param>
    public IReadOnlyList<StoredValue> Effective(IEnumerable<GroupName> groups, IEnumerable<StoredValue> own)
    {
        var values = new SortedDictionary<ConfigurationKey, StoredValue>(ConfigurationKey.Order);
        foreach (var value in own.Concat(Scopes(groups).SelectMany(scope => Shared.GetValueOrDefault(scope) ?? [])))
            values.TryAdd(value.Key.Name, value);
        return [.. values.Values];
    }

    /// <summary>Of whom a device has its values besides itself, the most specific first.</summary>
    public IEnumerable<ConfigurationScope> Scopes(IEnumerable<GroupName> groups) =>
        groups.OrderBy(g => Ranks.GetValueOrDefault(g)).ThenBy(g => g.ToString(), StringComparer.Ordinal).Select(g => (ConfigurationScope)new ConfigurationScope.Group(g))
            .Append(new ConfigurationScope.Fleet());
}
