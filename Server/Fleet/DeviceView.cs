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
        var heads = Heads();
        return [.. devices.List(limit, after).Select(device => Beside(device, heads(device.Branch)))];
    }

    /// <summary>A page of devices by name.</summary>
    public IReadOnlyList<DeviceInfo> Search(DeviceFilter filter, int limit, KeyId? after = null)
    {
        var heads = Heads();
        return [.. devices.Search(filter, limit, after).Select(device => Beside(device, heads(device.Branch)))];
    }

    /// <summary>All devices, counted by what decides how they stand.</summary>
    public IReadOnlyList<DeviceKind> Kinds(DateTimeOffset silentBefore)
    {
        var heads = Heads();
        return [.. devices.Kinds(silentBefore).Select(kind => kind with { Device = Beside(kind.Device, heads(kind.Device.Branch)) })];
    }

    /// <exception cref="NotFoundException">There is no such device.</exception>
    public DeviceInfo Find(KeyId id)
    {
        var device = devices.Find(id);
        return Beside(device, new Branches(data, time).Read(device.Branch).Head) with { Allowed = entitlements.Of(id) is { Count: > 0 } allowed ? [.. allowed] : null };
    }

    // Each branch's is read once, when a device follows it.
    private Func<BranchName, VerifiedHead?> Heads()
    {
        var branches = new Branches(data, time);
        var heads = new Dictionary<BranchName, VerifiedHead?>();
        return branch =>
        {
            if (!heads.TryGetValue(branch, out var head))
                heads[branch] = head = branches.Read(branch).Head;
            return head;
        };
    }

    private DeviceInfo Beside(DeviceInfo device, VerifiedHead? head) => device with
    {
        Target = device.PinnedAt(time) ?? head?.Commit,
        IsAhead = head is not null && device.Sequence > head.Sequence ? true : null,
    };
}
