using ContentTree.BootFile;

namespace ContentTree.BootSelector;

/// <summary>
/// A key or button held down at boot, by its number in <c>linux/input-event-codes.h</c>. Buttons on GPIO lines are keys as well,
/// where the device tree has them as <c>gpio-keys</c>.
/// </summary>
internal static class HeldKey
{
    private const string Devices = "/dev/input";
    private const int Codes = 0x300;
    private const nuint EVIOCGKEY = 0x80000000 | ((Codes / 8) << 16) | ('E' << 8) | 0x18;
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(50);

    /// <summary>Whether it is down at any moment of the next seconds, on any input device; devices appear late.</summary>
    public static bool IsSeen(int code, int seconds)
    {
        for (var left = TimeSpan.FromSeconds(seconds); ; left -= Between)
        {
            foreach (var path in Directory.Exists(Devices) ? Directory.GetFileSystemEntries(Devices, "event*") : [])
            {
                if (IsDown(path, code))
                    return true;
            }
            if (left <= TimeSpan.Zero)
                return false;
            Thread.Sleep(Between);
        }
    }

    private static unsafe bool IsDown(string device, int code)
    {
        if (code is <= 0 or >= Codes)
            return false;
        var fd = Kernel.Open(device, Kernel.O_RDONLY | Kernel.O_NONBLOCK | Kernel.O_CLOEXEC, 0);
        if (fd < 0)
            return false;
        var keys = stackalloc int[Codes / 32];
        var known = Libc.ioctl(fd, EVIOCGKEY, keys) >= 0;
        _ = Kernel.close(fd);
        return known && (((byte*)keys)[code / 8] & (1 << (code % 8))) != 0;
    }
}
