using System.Buffers;
using ContentTree.Store.Json;
using ContentTree.Store.Objects;
using static ContentTree.Store.Json.JsonValue;

namespace ContentTree.Store.Trust;

/// <summary>Which keys there are and which role each may play. Its own root role signs it; every later trust starts here.</summary>
public sealed record RootStatement : Statement
{
    internal const string KindWord = "root";
    internal const int MaxKeys = 64;
    internal const int MaxRoles = 32;
    internal const int MaxBranches = 64;

    private const int MaxRoleNameLength = 64;

    private static readonly SearchValues<char> RoleNameCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    /// <inheritdoc/>
    public override string Kind => KindWord;

    /// <summary>From 1, rising by one.</summary>
    public required long Version { get; init; }

    /// <summary>Every key any role uses.</summary>
    public required IReadOnlyDictionary<KeyId, PublicKey> Keys { get; init; }

    /// <summary>Roles by name. Unknown names are kept: they are for newer programs.</summary>
    public required IReadOnlyDictionary<string, Role> Roles { get; init; }

    /// <summary>The smallest root: one root key, one release key (they may be the same).</summary>
    public static RootStatement Of(PublicKey root, PublicKey release, long version, DateTimeOffset expires) => new()
    {
        Version = version,
        Expires = expires,
        Keys = new Dictionary<KeyId, PublicKey> { [root.Id] = root, [release.Id] = release },
        Roles = new Dictionary<string, Role> { [Role.Root] = new([root.Id], 1), [Role.Release] = new([release.Id], 1) },
    };

    /// <summary>The same with one more role, which this key plays alone.</summary>
    public RootStatement With(string role, PublicKey key) => this with
    {
        Keys = new Dictionary<KeyId, PublicKey>(Keys) { [key.Id] = key },
        Roles = new Dictionary<string, Role>(Roles) { [role] = new([key.Id], 1) },
    };

    internal static RootStatement FromJson(JsonFields fields)
    {
        var root = new RootStatement
        {
            Version = Positive(fields, "version"),
            Expires = Time(fields, "expires"),
            Keys = fields.Map("keys", MaxKeys).Select(k => KeyFromJson(k.Key, k.Value)).ToDictionary(k => k.Id),
            Roles = fields.Map("roles", MaxRoles).ToDictionary(r => RoleName(r.Key), r => RoleFromJson(r.Key, r.Value), StringComparer.Ordinal),
        };
        root.CheckRoles();
        return root;
    }

    private protected override JsonValue ToJson() => ObjectOf(
        ("kind", Kind),
        ("format", Format),
        ("version", Version),
        ("expires", UtcSeconds.Format(Expires)),
        ("keys", ObjectOf([.. Keys.Select(k => (k.Key.ToString(), ObjectOf(("public", k.Value.Pem))))])),
        ("roles", ObjectOf([.. Roles.Select(r => (r.Key, RoleToJson(r.Value)))])));

    private void CheckRoles()
    {
        if (!Roles.ContainsKey(Role.Root))
            throw new FormatException("signed.roles has no root role");
        foreach (var (name, role) in Roles)
        {
            if (role.KeyIds.FirstOrDefault(id => !Keys.ContainsKey(id)) is var missing && missing != default)
                throw new FormatException($"signed.roles.{name} names key {missing}, which signed.keys has not");
        }
    }

    private static PublicKey KeyFromJson(string id, JsonValue value)
    {
        var fields = new JsonFields(value, $"signed.keys.{id}");
        var pem = fields.Text("public");
        fields.End();
        var key = PublicKey.Parse(pem);
        if (key.Id.ToString() != id)
            throw new FormatException($"signed.keys.{id} is key {key.Id}");
        return key.Pem == pem ? key : throw new FormatException($"signed.keys.{id}.public is not the canonical PEM text");
    }

    private static string RoleName(string name) =>
        name.Length is > 0 and <= MaxRoleNameLength && !name.AsSpan().ContainsAnyExcept(RoleNameCharacters)
            ? name
            : throw new FormatException("signed.roles has a name that is not 1 to 64 of a-z, 0-9 and '-'");

    private static JsonValue RoleToJson(Role role)
    {
        var branches = role.Branches.Count > 0 ? new[] { ("branches", ListOf(role.Branches, b => b)) } : [];
        return ObjectOf([("keyids", ListOf(role.KeyIds, id => id.ToString())), ("threshold", (long)role.Threshold), .. branches]);
    }

    private static string BranchPrefix(JsonValue item, string where) => JsonFields.TextItem(item, where) is [.. var name, '/'] prefix && BranchName.TryParse(name, out _)
        ? prefix
        : throw new FormatException($"{where} is not the beginning of branch names, with '/' at its end");

    private static Role RoleFromJson(string name, JsonValue value)
    {
        var fields = new JsonFields(value, $"signed.roles.{name}");
        var ids = fields.List("keyids", Envelope.MaxSignatures, (item, where) =>
            KeyId.TryParse(JsonFields.TextItem(item, where), out var id) ? id : throw new FormatException($"{where} is not a key id"));
        var threshold = fields.Integer("threshold");
        IReadOnlyList<string> branches = name == Role.Composition ? fields.List("branches", MaxBranches, BranchPrefix) : [];
        fields.End();
        if (name == Role.Composition && branches.Count == 0)
            throw new FormatException($"signed.roles.{name} names no branches");
        for (var i = 1; i < ids.Count; i++)
        {
            if (ids[i - 1] >= ids[i])
                throw new FormatException($"signed.roles.{name}.keyids is not sorted, each once");
        }
        return threshold >= 1 && threshold <= ids.Count
            ? new Role(ids, (int)threshold) { Branches = branches }
            : throw new FormatException($"signed.roles.{name}.threshold is {threshold}, of {ids.Count} keys");
    }
}
