using ContentTree.BootFile;

namespace ContentTree.BootSelector;

/// <summary>The partition named by <c>ctree.boot=</c>, whose top directory holds the slots; mounted at ROOT/ctree/boot.</summary>
internal static class BootPartition
{
    // A directory that is nowhere: with the partition unreachable, slots below its mount point would be somebody else's.
    private const string Unreachable = "/proc/self/no-boot-partition";

    /// <summary>The directory of the slots: on the partition when one is named, else below the root.</summary>
    public static string Mount(DeviceLayout layout, KernelCommandLine commandLine, Terminal terminal)
    {
        if (commandLine["ctree.boot"] is not { Length: > 0 } name)
            return layout.Boot;
        try
        {
            if (!IsMounted(layout))
            {
                Directory.CreateDirectory(layout.Boot);
                Mounts.Disk(Disks.Wait(name, commandLine), layout.Boot, data: null);
            }
            return layout.Boot;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            terminal.Say("no boot partition: " + e.Message);
            return Unreachable;
        }
    }

    /// <summary>Whether something is mounted at ROOT/ctree/boot.</summary>
    public static bool IsMounted(DeviceLayout layout) =>
        Kernel.StatusOf(layout.Boot) is { IsDirectory: true } boot &&
        Kernel.StatusOf(Path.Combine(layout.Root, "ctree")) is { } parent && boot.Device != parent.Device;
}
