using System.Data.Common;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet.Configurations;

/// <summary>Counts whom a change of a scope's values would reach: those for whom nothing more specific was said.</summary>
internal sealed class ConfigurationReach(DbConnection connection)
{
    private readonly ConfigurationRules _rules = ConfigurationBook.Rules(connection);

    public ConfigurationOutlook Count(ConfigurationScope scope, IReadOnlyDictionary<ConfigurationKey, string?> values)
    {
        var devices = Devices(scope);
        var own = values.Keys.SelectMany(name => ConfigurationBook.OfDevices(connection, name)).ToLookup(v => v.Scope);
        var changed = devices.Count(device => values.Any(v => IsChanged(scope, device.Key, device.Value, own[new ConfigurationScope.Device(device.Key)], v.Key, v.Value)));
        return new ConfigurationOutlook(devices.Count, changed);
    }

    private bool IsChanged(ConfigurationScope scope, KeyId device, IReadOnlyList<GroupName> groups, IEnumerable<StoredValue> own, ConfigurationKey name, string? text)
    {
        ConfigurationScope[] order = [new ConfigurationScope.Device(device), .. _rules.Scopes(groups)];
        foreach (var at in order)
        {
            var present = (at is ConfigurationScope.Device ? own : _rules.Shared.GetValueOrDefault(at) ?? []).FirstOrDefault(v => v.Key.Name == name);
            if (at == scope)
                return text is null ? present is not null : present is null || present.Key.IsSecret || present.Stored != text;
            if (present is not null)
                return false;
        }
        return false;
    }

    private Dictionary<KeyId, IReadOnlyList<GroupName>> Devices(ConfigurationScope scope)
    {
        var groups = connection.Query("SELECT device, group_name FROM group_members", row => (KeyId.Parse(row.GetString(0)), GroupName.Parse(row.GetString(1)))).ToLookup(g => g.Item1, g => g.Item2);
        var ids = scope switch
        {
            ConfigurationScope.Device device => [device.Id],
            ConfigurationScope.Group group => connection.Query("SELECT device FROM group_members WHERE group_name = $name", row => KeyId.Parse(row.GetString(0)), ("$name", group.Name)),
            _ => connection.Query("SELECT id FROM devices WHERE state <> 'rejected'", row => KeyId.Parse(row.GetString(0))),
        };
        return ids.ToDictionary(id => id, id => (IReadOnlyList<GroupName>)[.. groups[id]]);
    }
}
