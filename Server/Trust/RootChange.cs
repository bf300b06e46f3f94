using ContentTree.Store.Trust;

namespace ContentTree.Server.Trust;

/// <summary>What the next root has otherwise than the present one.</summary>
internal sealed record RootChange
{
    /// <summary>Keys that get a role, which is made if it is new.</summary>
    public IReadOnlyList<(string Role, PublicKey Key)> Add { get; init; } = [];

    /// <summary>Keys that lose a role; a role without keys goes.</summary>
    public IReadOnlyList<(string Role, KeyId Key)> Remove { get; init; } = [];

    /// <summary>How many keys of a role have to sign together.</summary>
    public IReadOnlyList<(string Role, int Threshold)> Thresholds { get; init; } = [];

    /// <summary>What the composition role may move; empty leaves it as it is.</summary>
    public IReadOnlyList<string> Branches { get; init; } = [];

    public required DateTimeOffset Expires { get; init; }

    /// <exception cref="FormatException">It would be no root: no root role, a threshold that its keys cannot reach.</exception>
    public RootStatement After(TrustRoot present)
    {
        var keys = present.Keys.Values.Concat(Add.Select(added => added.Key)).DistinctBy(key => key.Id).ToDictionary(key => key.Id);
        var roles = new Dictionary<string, Role>(StringComparer.Ordinal);
        foreach (var name in present.Roles.Keys.Concat(Add.Select(added => added.Role)).Distinct())
        {
            if (RoleAfter(name, present.Roles.GetValueOrDefault(name)) is { KeyIds.Count: > 0 } role)
                roles.Add(name, role);
        }
        foreach (var (name, _) in Thresholds.Where(set => !roles.ContainsKey(set.Role)))
            throw new FormatException($"there is no role {name} whose threshold could be set");
        if (roles.TryGetValue(Role.Composition, out var composition) ? composition.Branches.Count == 0 : Branches.Count > 0)
            throw new FormatException("the composition role and the branches that it may move go together: --add composition=KEY --branches PREFIX/");
        if (!roles.ContainsKey(Role.Root))
            throw new FormatException("without a key of the root role there would be no next root");
        if (!roles.ContainsKey(Role.Release))
            throw new FormatException("without a key of the release role nothing could be published any more");
        var used = roles.Values.SelectMany(role => role.KeyIds).Distinct();
        return new RootStatement
        {
            Version = present.Version + 1,
            Expires = Expires,
            Keys = used.ToDictionary(id => id, id => keys[id]),
            Roles = roles,
        };
    }

    private Role RoleAfter(string name, Role? present)
    {
        var ids = (present?.KeyIds ?? []).Concat(Add.Where(added => added.Role == name).Select(added => added.Key.Id));
        foreach (var (_, key) in Remove.Where(removed => removed.Role == name && present?.KeyIds.Contains(removed.Key) != true))
            throw new FormatException($"key {key} does not play the {name} role");
        var left = ids.Except(Remove.Where(removed => removed.Role == name).Select(removed => removed.Key)).Distinct().Order().ToArray();
        var threshold = Thresholds.LastOrDefault(set => set.Role == name).Threshold;
        return new Role(left, threshold > 0 ? threshold : present?.Threshold ?? 1)
        {
            Branches = name == Role.Composition && Branches.Count > 0 ? Branches : present?.Branches ?? [],
        };
    }
}
