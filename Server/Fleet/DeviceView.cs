using ContentTree.Server.Privacy;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet;

/// <summary>Devices as operators see them: what they said, beside the commit that their branch is at.</summary>
internal sealed class DeviceView(DataDirectory data, Devices devices, Entitlements entitlements, TimeProvider time)
{
    public IReadOnlyList<DeviceInfo> List(int limit, string? after = null)
    {
        var branches = new Branches(data, time);
        var targets = new Dictionary<BranchName, ObjectId?>();
        return [.. devices.List(limit, after).Select(device =>
        {
            if (!targets.TryGetValue(device.Branch, out var target))
                targets[device.Branch] = target = branches.Read(device.Branch).Head?.Commit;
            return device with { Target = device.PinnedAt(time) ?? target };
        })];
    }

    /// <exception cref="NotFoundException">There is no such device.</exception>
    public DeviceInfo Find(KeyId id)
    {
        var device = devices.Find(id);
        return device with
        {
            Target = device.PinnedAt(time) ?? new Branches(data, time).Read(device.Branch).Head?.Commit,
            Allowed = entitlements.Of(id) is { Count: > 0 } allowed ? [.. allowed] : null,
        };
    }
}
