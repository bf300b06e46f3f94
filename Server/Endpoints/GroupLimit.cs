using ContentTree.Server.Fleet.Configurations;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Endpoints;

/// <summary>What the bearer of a token, or a user, may see and steer: everything, or the devices of some groups and what is said of them.</summary>
/// <param name="bearer">The token's id, or the user's name: for the audit log.</param>
/// <param name="groups">Null for the whole fleet.</param>
internal sealed class GroupLimit(string bearer, IReadOnlyList<string>? groups, Database database)
{
    public string Bearer => bearer;

    public IReadOnlyList<string>? Groups => groups;

    public bool IsWhole => groups is null;

    public bool Covers(PolicyScope scope) => groups is null || scope switch
    {
        PolicyScope.Group group => groups.Contains(group.Name.ToString()),
        PolicyScope.Device device => Covers(device.Id),
        _ => false,
    };

    public bool Covers(ConfigurationScope scope) => groups is null || scope switch
    {
        ConfigurationScope.Group group => groups.Contains(group.Name.ToString()),
        ConfigurationScope.Device device => Covers(device.Id),
        _ => false,
    };

    /// <exception cref="NotFoundException">As far as the bearer can see there is no such device.</exception>
    public KeyId Require(KeyId device) => Covers(new PolicyScope.Device(device)) ? device : throw new NotFoundException($"no device {device}; 'device list' shows all");

    /// <summary>Devices as the bearer may see them: without the ids of others that he may not.</summary>
    public IReadOnlyList<DeviceInfo> Show(IReadOnlyList<DeviceInfo> devices)
    {
        if (groups is null || devices.All(d => d.Conflicts is null))
            return devices;
        var within = FleetFilter.All.Within(groups);
        using var connection = database.Connect();
        var covered = connection.Query($"SELECT d.id FROM devices d WHERE d.serial <> '' AND {within.Sql}", row => KeyId.Parse(row.Text("id")), [.. within.Parameters]).ToHashSet();
        return [.. devices.Select(d => d with { Conflicts = d.Conflicts?.Where(covered.Contains).ToArray() is { Length: > 0 } shown ? shown : null })];
    }

    public DeviceInfo Show(DeviceInfo device) => Show([device])[0];

    /// <exception cref="ProblemException">It is no business of the bearer's.</exception>
    public PolicyScope Require(PolicyScope scope) => Covers(scope) ? scope : throw Refused();

    /// <exception cref="ProblemException">It is no business of the bearer's.</exception>
    public ConfigurationScope Require(ConfigurationScope scope) => Covers(scope) ? scope : throw Refused();

    /// <exception cref="ProblemException">The bearer is limited.</exception>
    public void RequireWhole()
    {
        if (groups is not null)
            throw new ProblemException(ProblemCode.Forbidden, $"{bearer} is limited to groups, and this concerns the whole fleet");
    }

    private ProblemException Refused() => new(ProblemCode.Forbidden, $"{bearer} is limited to {(groups is { Count: > 0 } ? $"the groups {string.Join(", ", groups)}" : "groups that are gone")} and their devices");

    private bool Covers(KeyId device)
    {
        using var connection = database.Connect();
        return connection.Query("SELECT group_name FROM group_members WHERE device = $device", row => row.Text("group_name"), ("$device", device)).Any(group => groups?.Contains(group) != false);
    }
}
