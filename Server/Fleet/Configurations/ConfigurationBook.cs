using System.Data.Common;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet.Configurations;

/// <summary>The keys, their values and what became of them, as they are kept. Writers hold a transaction.</summary>
internal static class ConfigurationBook
{
    private const string Values = "SELECT v.*, k.type AS type, k.secret AS secret, k.description AS description FROM config_values v JOIN config_keys k ON k.name = v.name";

    public static IReadOnlyList<KeyDefinition> Keys(DbConnection connection) => connection.Query("SELECT * FROM config_keys ORDER BY name", ReadKey);

    public static KeyDefinition? FindKey(DbConnection connection, ConfigurationKey name) =>
        connection.Query("SELECT * FROM config_keys WHERE name = $name", ReadKey, ("$name", name)) is [var key] ? key : null;

    /// <summary>The keys as people are shown them.</summary>
    public static IReadOnlyList<ConfigurationKeyInfo> Describe(DbConnection connection, ConfigurationKey? only = null) => connection.Query("""
        SELECT k.name, k.type, k.secret, k.description,
          (SELECT count(*) FROM config_values v WHERE v.name = k.name AND v.scope = 'fleet') AS fleet, (SELECT count(*) FROM config_values v WHERE v.name = k.name AND v.scope <> 'fleet') AS others
        FROM config_keys k WHERE $only = '' OR k.name = $only ORDER BY k.name
        """, row => new ConfigurationKeyInfo(
            ConfigurationKey.Parse(row.Text("name")), row.Text("type"), row.Number("secret") != 0, row.Text("description") is { Length: > 0 } text ? text : null, row.Number("fleet") != 0, row.Number("others")),
        ("$only", only?.ToString() ?? ""));

    public static void SetKey(DbConnection connection, KeyDefinition key)
    {
        connection.Execute("""
            INSERT INTO config_keys (name, type, secret, description) VALUES ($name, $type, $secret, $description)
            ON CONFLICT (name) DO UPDATE SET type = $type, secret = $secret, description = $description
            """, ("$name", key.Name), ("$type", ConfigurationValue.Word(key.Type)), ("$secret", key.IsSecret ? 1 : 0), ("$description", key.Description));
        FleetStamp.RaiseConfiguration(connection);
    }

    /// <summary>Whether there was one.</summary>
    public static bool RemoveKey(DbConnection connection, ConfigurationKey name)
    {
        FleetStamp.RaiseConfiguration(connection);
        return connection.Execute("DELETE FROM config_keys WHERE name = $name", ("$name", name)) > 0;
    }

    /// <summary>The values of a scope, by key.</summary>
    public static IReadOnlyList<StoredValue> Of(DbConnection connection, ConfigurationScope scope) =>
        connection.Query($"{Values} WHERE v.scope = $scope ORDER BY v.name", ReadValue, ("$scope", scope));

    /// <summary>What was said of single devices, of one key or all.</summary>
    public static IReadOnlyList<StoredValue> OfDevices(DbConnection connection, ConfigurationKey name) =>
        connection.Query($"{Values} WHERE v.name = $name AND v.scope >= 'device:' AND v.scope < 'device;'", ReadValue, ("$name", name));

    /// <summary>What every device's configuration follows from.</summary>
    public static ConfigurationRules Rules(DbConnection connection) => new(
        Keys(connection).ToDictionary(k => k.Name),
        connection.Query($"{Values} WHERE v.scope = 'fleet' OR (v.scope >= 'group:' AND v.scope < 'group;')", ReadValue).GroupBy(v => v.Scope).ToDictionary(g => g.Key, g => (IReadOnlyList<StoredValue>)[.. g]),
        connection.Query("SELECT name, rank FROM groups", row => KeyValuePair.Create(GroupName.Parse(row.GetString(0)), row.GetInt64(1))).ToDictionary(),
        connection.Query("SELECT 1 FROM config_values WHERE scope >= 'device:' AND scope < 'device;' LIMIT 1", _ => 1).Count > 0);

    /// <summary>Of each key the longest value there is, but those of one scope.</summary>
    public static IReadOnlyDictionary<ConfigurationKey, long> Costs(DbConnection connection, ConfigurationScope but) =>
        connection.Query("SELECT name, max(cost) AS cost FROM config_values WHERE scope <> $scope GROUP BY name",
            row => KeyValuePair.Create(ConfigurationKey.Parse(row.Text("name")), row.Number("cost")), ("$scope", but)).ToDictionary();

    /// <summary>Of the values of a scope, how long each is.</summary>
    public static IReadOnlyDictionary<ConfigurationKey, long> CostsOf(DbConnection connection, ConfigurationScope scope) =>
        connection.Query("SELECT name, cost FROM config_values WHERE scope = $scope",
            row => KeyValuePair.Create(ConfigurationKey.Parse(row.Text("name")), row.Number("cost")), ("$scope", scope)).ToDictionary();

    public static void Set(DbConnection connection, StoredValue value, long cost)
    {
        connection.Execute("""
            INSERT INTO config_values (scope, name, value, cost, author, reason, changed) VALUES ($scope, $name, $value, $cost, $by, $reason, $changed)
            ON CONFLICT (scope, name) DO UPDATE SET value = $value, cost = $cost, author = $by, reason = $reason, changed = $changed
            """,
            ("$scope", value.Scope), ("$name", value.Key.Name), ("$value", value.Stored), ("$cost", cost), ("$by", value.By), ("$reason", value.Reason), ("$changed", value.Changed));
        FleetStamp.RaiseConfiguration(connection);
    }

    public static void Unset(DbConnection connection, ConfigurationScope scope, ConfigurationKey name)
    {
        connection.Execute("DELETE FROM config_values WHERE scope = $scope AND name = $name", ("$scope", scope), ("$name", name));
        FleetStamp.RaiseConfiguration(connection);
    }

    /// <summary>The newest change of a scope; 0 before the first.</summary>
    public static long Revision(DbConnection connection, ConfigurationScope scope) =>
        connection.Query("SELECT coalesce(max(revision), 0) AS newest FROM config_changes WHERE scope = $scope", row => row.Number("newest"), ("$scope", scope))[0];

    /// <summary>Rows are only ever added.</summary>
    public static void Note(DbConnection connection, ConfigurationScope scope, ConfigurationChangeInfo change) => connection.Execute("""
        INSERT INTO config_changes (scope, revision, name, secret, was_set, is_set, before, after, author, reason, time)
        VALUES ($scope, $revision, $name, $secret, $wasSet, $isSet, $before, $after, $by, $reason, $time)
        """,
        ("$scope", scope), ("$revision", change.Revision), ("$name", change.Key), ("$secret", change.Secret ? 1 : 0), ("$wasSet", change.WasSet ? 1 : 0), ("$isSet", change.IsSet ? 1 : 0),
        ("$before", change.Before), ("$after", change.After), ("$by", change.By), ("$reason", change.Reason ?? ""), ("$time", change.Time));

    /// <summary>What happened to a scope after one revision and before another, newest first.</summary>
    public static IReadOnlyList<ConfigurationChangeInfo> Changes(DbConnection connection, ConfigurationScope scope, long after, long before, int limit) => connection.Query(
        "SELECT * FROM config_changes WHERE scope = $scope AND revision > $after AND revision < $before ORDER BY revision DESC, name LIMIT $limit",
        row => new ConfigurationChangeInfo(
            row.Number("revision"), ConfigurationKey.Parse(row.Text("name")), row.Number("secret") != 0, row.Number("was_set") != 0, row.Number("is_set") != 0,
            row.Text("author"), row.Time("time"), row.TextOrNull("before"), row.TextOrNull("after"), row.Text("reason") is { Length: > 0 } reason ? reason : null),
        ("$scope", scope), ("$after", after), ("$before", before), ("$limit", limit));

    /// <summary>Takes away all values of a group or device that is no more; the history stays.</summary>
    public static void Forget(DbConnection connection, ConfigurationScope scope, DateTimeOffset now)
    {
        var values = Of(connection, scope);
        if (values.Count == 0)
            return;
        var revision = Revision(connection, scope) + 1;
        foreach (var value in values)
            Note(connection, scope, new ConfigurationChangeInfo(revision, value.Key.Name, value.Key.IsSecret, true, false, "", now, value.Key.IsSecret ? null : value.Stored, null, $"{scope.Words} was removed"));
        connection.Execute("DELETE FROM config_values WHERE scope = $scope", ("$scope", scope));
        FleetStamp.RaiseConfiguration(connection);
    }

    private static KeyDefinition ReadKey(DbDataReader row) => new(
        ConfigurationKey.Parse(row.Text("name")), ConfigurationValue.TypeOf(row.Text("type")), row.Number("secret") != 0, row.Text("description"));

    private static StoredValue ReadValue(DbDataReader row) => new(
        ConfigurationScope.Parse(row.Text("scope")), ReadKey(row), row.Text("value"), row.Text("author"), row.Text("reason"), row.Time("changed"));
}
