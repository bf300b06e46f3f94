using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Privacy;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet;

/// <summary>Devices as operators see them: what they said, what they should run, who says so and why they do not.</summary>
internal sealed class DeviceView(Database database, Devices devices, Decisions decisions, Entitlements entitlements, TimeProvider time)
{
    /// <param name="groups">Only devices of these; null for all.</param>
    /// <exception cref="FormatException">The filter is none.</exception>
    public IReadOnlyList<DeviceInfo> List(int limit, string? after = null, string? filter = null, IReadOnlyList<string>? groups = null)
    {
        var page = devices.List(limit, after, FleetFilter.Parse(filter ?? "", time.GetUtcNow()).Within(groups));
        if (page.Count == 0)
            return [];
        using var connection = database.Connect();
        // A filter may leave few of many: these are asked for one by one.
        var seen = filter is { Length: > 0 } || groups is not null ? One(connection, page) : decisions.Between(connection, page[0].Id, page[^1].Id);
        return [.. page.Select(device => Beside(device, seen.GetValueOrDefault(device.Id)))];
    }

    /// <summary>A page of devices by name.</summary>
    public IReadOnlyList<DeviceInfo> Search(DeviceFilter filter, int limit, KeyId? after = null)
    {
        var page = devices.Search(filter, limit, after);
        using var connection = database.Connect();
        var seen = One(connection, page);
        return [.. page.Select(device => Beside(device, seen.GetValueOrDefault(device.Id)))];
    }

    /// <summary>All devices, counted by how they stand as of their last poll, or what was said since.</summary>
    /// <param name="groups">Only those of these; null for all.</param>
    public IReadOnlyList<DeviceKind> Kinds(IReadOnlyList<string>? groups = null) => devices.Kinds(groups);

    /// <summary>How many of those who wait to be accepted claim a serial that another device has.</summary>
    /// <param name="groups">Only those of these; null for all.</param>
    public long Conflicts(IReadOnlyList<string>? groups = null) => devices.Conflicts(groups);

    /// <exception cref="NotFoundException">There is no such device.</exception>
    public DeviceInfo Find(KeyId id)
    {
        var device = devices.Find(id);
        using var connection = database.Connect();
        return Beside(device, decisions.Of(connection, id)) with
        {
            Allowed = entitlements.Of(id) is { Count: > 0 } allowed ? [.. allowed] : null,
            Labels = new Groups.Groups(database, time).Labels(id) is { Count: > 0 } labels ? labels : null,
        };
    }

    private Dictionary<KeyId, Seen> One(System.Data.Common.DbConnection connection, IReadOnlyList<DeviceInfo> page) =>
        page.Select(device => decisions.Of(connection, device.Id)).OfType<Seen>().ToDictionary(s => s.Device.Id);

    private static DeviceInfo Beside(DeviceInfo device, Seen? seen)
    {
        if (seen is null)
            return device;
        var trouble = device.LastEvent is { Code: not 0, Message: { } message } ? message : null;
        var health = seen.Condition.Health(seen.Decision);
        return device with
        {
            Target = seen.Decision.Target,
            IsAhead = seen.Newest is { } newest && device.Sequence > newest.Sequence ? true : null,
            Decision = seen.Decision.Describe(seen.Condition.Why(seen.Decision, seen.Newest, trouble)),
            Sync = seen.Condition.Sync(seen.Decision, seen.Newest),
            Health = health is not null && device.Silent is not null ? Condition.Silent : health,
            Groups = seen.Device.Groups.Count > 0 ? [.. seen.Device.Groups.Select(g => g.ToString())] : null,
        };
    }
}
