using System.Runtime.InteropServices;
using ContentTree.BootFile;

namespace ContentTree.BootSelector;

/// <summary>Loads the kernel modules the initramfs lists, one path a line, in that order: dependencies first.</summary>
internal static class Modules
{
    private const string ListPath = "/etc/ctree-select.modules";
    private const int EEXIST = 17;

    /// <summary>A module that does not load is told and passed over: the disk may appear all the same.</summary>
    public static void Load(Terminal terminal)
    {
        foreach (var line in SmallFile.Read(ListPath).Split('\n'))
        {
            var path = line.Trim();
            if (path.Length > 0 && path[0] != '#')
                Load(path, terminal);
        }
    }

    private static void Load(string path, Terminal terminal)
    {
        var fd = Kernel.Open(path, Kernel.O_RDONLY | Kernel.O_CLOEXEC, 0);
        var compressed = !path.EndsWith(".ko", StringComparison.Ordinal);
        var loaded = fd >= 0 && (Libc.LoadModule(fd, compressed) || Marshal.GetLastPInvokeError() == EEXIST);
        if (!loaded)
            terminal.Say(Kernel.Error("cannot load module", path).Message);
        if (fd >= 0)
            _ = Kernel.close(fd);
    }
}
