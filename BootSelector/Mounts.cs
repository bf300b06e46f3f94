using ContentTree.BootFile;

namespace ContentTree.BootSelector;

/// <summary>The few kinds of mounts the selector makes. Each throws an <see cref="IOException"/> that says which path and why.</summary>
internal static class Mounts
{
    /// <summary>Shows <paramref name="source"/> at <paramref name="target"/> as well; changes of mounts do not spread from it.</summary>
    public static void Bind(string source, string target, bool readOnly)
    {
        Libc.Check(Libc.mount(source, target, null, MountFlags.Bind, null), $"cannot bind {source} at", target);
        Libc.Check(Libc.mount("none", target, null, MountFlags.Private, null), "cannot make private", target);
        // The kernel ignores read-only in the call that binds; it has to be a second one.
        if (readOnly)
            Libc.Check(Libc.mount("none", target, null, MountFlags.Bind | MountFlags.Remount | MountFlags.ReadOnly, null), "cannot make read-only", target);
    }

    /// <summary>A fresh memory file system.</summary>
    public static void Memory(string target, string mode) =>
        Libc.Check(Libc.mount("tmpfs", target, "tmpfs", MountFlags.NoSuid | MountFlags.NoDev, "mode=" + mode), "cannot mount a tmpfs at", target);

    /// <summary>One of the kernel's own file systems.</summary>
    public static void System(string type, string target, MountFlags flags, string? data) =>
        Libc.Check(Libc.mount(type, target, type, flags, data), $"cannot mount {type} at", target);

    /// <summary>
    /// A disk, written to where it can be: the boot file needs it, and only a writable mount replays the journal. A medium that
    /// is read-only is still better than none.
    /// </summary>
    public static void Disk(string device, string target, string? data)
    {
        foreach (var flags in new[] { MountFlags.None, MountFlags.ReadOnly })
        {
            foreach (var type in DiskTypes())
            {
                if (Libc.mount(device, target, type, flags, data) == 0)
                    return;
            }
        }
        throw Kernel.Error($"cannot mount {device} at", target);
    }

    /// <summary>Takes away everything mounted at and below the place; what is in use goes when it is let go.</summary>
    public static void Remove(string target)
    {
        while (Libc.umount2(target, Libc.MNT_DETACH) == 0)
        {
        }
    }

    public static void Move(string source, string target) =>
        Libc.Check(Libc.mount(source, target, null, MountFlags.Move, null), $"cannot move {source} to", target);

    // ext4 first: a kernel that has ext2 as well would mount it so, without its journal.
    private static List<string> DiskTypes()
    {
        var types = new List<string> { "ext4" };
        foreach (var line in RegularFile.ReadUnsized("/proc/filesystems").Split('\n'))
        {
            if (line.StartsWith('\t') && line.Trim() is var type && type != "ext4")
                types.Add(type);
        }
        return types;
    }
}
