using ContentTree.Server.Fleet;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Dashboard;

/// <summary>A device and how it stands.</summary>
internal sealed record DeviceRow(DeviceInfo Device, Standing Standing);

/// <summary>Pages of devices that somebody wants to see.</summary>
internal sealed class DeviceList(DeviceView view)
{
    /// <param name="groups">Only those of these; null for all.</param>
    public IReadOnlyList<DeviceRow> Read(DeviceWish wish, int limit, KeyId? after, IReadOnlyList<string>? groups) =>
        wish.Problem is not null ? [] : [.. view.Search(wish.Filter() with { Groups = groups }, limit, after).Select(device => new DeviceRow(device, Standings.Of(device)))];
}
