using System.Globalization;
using System.Reflection;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Transfer;

/// <summary>What the device is made of and how full it is, and whether that is news to the server.</summary>
internal static class DeviceParts
{
    private const string MemoryFile = "/proc/meminfo";
    private const string KernelFile = "/proc/sys/kernel/osrelease";
    private const int MaxText = 200;

    // An eighth of the disk, a half or twice as much as before: an update that comes and goes is hardly ever that much.
    private const int NoticeableShare = 8;

    // Of little a half is soon gone, and nobody wants to hear of it each time.
    private const long LeastBytes = 16 << 20;
    private const long LeastInodes = 1000;

    /// <summary>Null when the server knows it well enough.</summary>
    public static DeviceInventory? News(Device device)
    {
        var now = Look(device);
        return device.State.Inventory.Told is { } told && !IsNews(told, now) ? null : now;
    }

    public static bool IsNews(DeviceInventory told, DeviceInventory now) =>
        told with { Free = now.Free, Inodes = now.Inodes } != now || HasMoved(told.Free, now.Free, LeastBytes, now.Size) || HasMoved(told.Inodes, now.Inodes, LeastInodes, null);

    private static bool HasMoved(long? before, long? after, long least, long? all)
    {
        if (before is not { } old || after is not { } present)
            return before != after;
        var difference = Math.Abs(present - old);
        return difference >= least && (difference >= all / NoticeableShare || present < old / 2 || present / 2 > old);
    }

    private static DeviceInventory Look(Device device)
    {
        var (free, inodes) = device.Store.FreeSpace();
        return new DeviceInventory(
            Short(typeof(DeviceParts).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion),
            File.Exists(KernelFile) ? Short(File.ReadAllText(KernelFile)) : null, Memory(), device.Store.TotalSpace(), free, inodes == long.MaxValue ? null : inodes);
    }

    private static string? Short(string? text) => text?.Trim() is { Length: > 0 } said ? string.Concat(said.Take(MaxText).Where(c => !char.IsControl(c))) : null;

    // "MemTotal:       16303428 kB". Whole megabytes: kernels keep a little more or less of it for themselves.
    private static long? Memory() =>
        File.Exists(MemoryFile) && File.ReadLines(MemoryFile).FirstOrDefault()?.Split(' ', StringSplitOptions.RemoveEmptyEntries) is ["MemTotal:", var kilobytes, ..] &&
        long.TryParse(kilobytes, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            ? count >> 10 << 20
            : null;
}
