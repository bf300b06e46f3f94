using ContentTree.Server.Fleet;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Dashboard;

/// <summary>A device and how it stands.</summary>
internal sealed record DeviceRow(DeviceInfo Device, Standing Standing);

/// <summary>Pages of devices that somebody wants to see. How a device stands is no column, so pages are read on until enough stand as asked.</summary>
internal sealed class DeviceList(DeviceView view, FleetCounts counts)
{
    private const int Chunk = 500;

    public IReadOnlyList<DeviceRow> Read(DeviceWish wish, int limit, KeyId? after)
    {
        var (silentBefore, filter, rows) = (counts.SilentBefore, wish.Filter, new List<DeviceRow>());
        // Where none can be found nobody looks through all.
        if (wish is { IsCountable: true, Standing: not null } && wish.Count(counts.Read()) == 0)
            return rows;
        var step = wish.Standing is null ? limit : Math.Max(Chunk, limit);
        while (rows.Count < limit)
        {
            var page = view.Search(filter, step, after);
            rows.AddRange(page.Select(device => new DeviceRow(device, Standings.Of(device, silentBefore))).Where(row => wish.Standing is null || row.Standing == wish.Standing).Take(limit - rows.Count));
            if (page.Count < step)
                break;
            after = page[^1].Id;
        }
        return rows;
    }
}
