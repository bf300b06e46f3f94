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

    /// <exception cref="ProblemException">It is no business of the bearer's.</exception>
    public PolicyScope Require(PolicyScope scope) => Covers(scope) ? scope
        : throw new ProblemException(ProblemCode.Forbidden, $"this token is limited to {(token.Groups is { Count: > 0 } groups ? $"the groups {string.Join(", ", groups)}" : "groups that are gone")} and their devices");

    private bool Covers(KeyId device)
    {
        using var connection = database.Connect();
        return connection.Query("SELECT group_name FROM group_members WHERE device = $device", row => row.Text("group_name"), ("$device", device)).Any(group => token.Groups?.Contains(group) != false);
    }
}
