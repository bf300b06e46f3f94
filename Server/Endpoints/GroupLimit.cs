using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Endpoints;

/// <summary>What the bearer of a token may see and steer: everything, or the devices of some groups and what is said of them.</summary>
internal sealed class GroupLimit(TokenInfo token, Database database)
{
    /// <summary>For the audit log.</summary>
    public string Token => token.Id;

    /// <summary>Null for the whole fleet.</summary>
    public IReadOnlyList<string>? Groups => token.Groups;

    public bool Covers(PolicyScope scope) => token.Groups is null || scope switch
    {
        PolicyScope.Group group => token.Groups.Contains(group.Name.ToString()),
        PolicyScope.Device device => Covers(device.Id),
        _ => false,
    };

    /// <exception cref="NotFoundException">As far as the bearer can see there is no such device.</exception>
    public KeyId Require(KeyId device) => Covers(new PolicyScope.Device(device)) ? device : throw new NotFoundException($"no device {device}; 'device list' shows all");

    /// <summary>Devices as the bearer may see them: without the ids of others that he may not.</summary>
    public IReadOnlyList<DeviceInfo> Show(IReadOnlyList<DeviceInfo> devices)
    {
        if (token.Groups is null || devices.All(d => d.Conflicts is null))
            return devices;
        var within = FleetFilter.All.Within(token.Groups);
        using var connection = database.Connect();
        var covered = connection.Query($"SELECT d.id FROM devices d WHERE d.serial <> '' AND {within.Sql}", row => KeyId.Parse(row.Text("id")), [.. within.Parameters]).ToHashSet();
        return [.. devices.Select(d => d with { Conflicts = d.Conflicts?.Where(covered.Contains).ToArray() is { Length: > 0 } shown ? shown : null })];
    }

    public DeviceInfo Show(DeviceInfo device) => Show([device])[0];

    /// <exception cref="ProblemException">It is no business of the bearer's.</exception>
    public PolicyScope Require(PolicyScope scope) => Covers(scope) ? scope
        : throw new ProblemException(ProblemCode.Forbidden, $"this token is limited to {(token.Groups is { Count: > 0 } groups ? $"the groups {string.Join(", ", groups)}" : "groups that are gone")} and their devices");

    private bool Covers(KeyId device)
    {
        using var connection = database.Connect();
        return connection.Query("SELECT group_name FROM group_members WHERE device = $device", row => row.Text("group_name"), ("$device", device)).Any(group => token.Groups?.Contains(group) != false);
    }
}
