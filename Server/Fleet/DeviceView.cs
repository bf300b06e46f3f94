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
        var heads = new Dictionary<BranchName, VerifiedHead?>();
        return [.. devices.List(limit, after).Select(device =>
        {
            if (!heads.TryGetValue(device.Branch, out var head))
                heads[device.Branch] = head = branches.Read(device.Branch).Head;
            return Beside(device, head);
        })];
    }

    /// <exception cref="NotFoundException">There is no such device.</exception>
    public DeviceInfo Find(KeyId id)
    {
        var device = devices.Find(id);
        return Beside(device, new Branches(data, time).Read(device.Branch).Head) with { Allowed = entitlements.Of(id) is { Count: > 0 } allowed ? [.. allowed] : null };
    }

    private DeviceInfo Beside(DeviceInfo device, VerifiedHead? head) => device with
    {
        Target = device.PinnedAt(time) ?? head?.Commit,
        IsAhead = head is not null && device.Sequence > head.Sequence ? true : null,
    };
}
