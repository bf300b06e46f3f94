using System.Buffers.Binary;
using ContentTree.BootFile;

namespace ContentTree.BootSelector;

/// <summary>The last step of PID 1: the new root becomes the root, the initramfs is freed, init runs.</summary>
internal static class Handover
{
    private static readonly string[] KernelMounts = ["dev", "proc", "sys", "run"];

    /// <summary>Returns only by an <see cref="IOException"/>.</summary>
    public static void To(string target, string init, string[] arguments, Terminal terminal)
    {
        foreach (var name in KernelMounts)
            MoveOrDrop("/" + name, Path.Combine(target, name), terminal);
        Libc.Check(Libc.chdir(target), "cannot enter", target);
        // On a disk deleting would be a disaster.
        if (IsInMemory("/"))
            Delete("/", Kernel.StatusOf("/")?.Device ?? 0);
        Mounts.Move(".", "/");
        Libc.Check(Libc.chroot("."), "cannot make the root of", target);
        Libc.Check(Libc.chdir("/"), "cannot enter", "/");
        Libc.ResetProcess();
        Libc.Execute(init, [init, .. arguments]);
        throw Kernel.Error("cannot start", init);
    }

    /// <summary>Whether the path is on a memory file system, as the root of an initramfs is.</summary>
    public static unsafe bool IsInMemory(string path)
    {
        var buffer = stackalloc byte[256];
        if (Libc.statfs(path, buffer) != 0)
            return false;
        var type = BinaryPrimitives.ReadUInt32LittleEndian(new ReadOnlySpan<byte>(buffer, 4));
        return type is 0x858458f6 or 0x01021994; // ramfs, tmpfs
    }

    private static void MoveOrDrop(string source, string target, Terminal terminal)
    {
        try
        {
            Mounts.Move(source, target);
        }
        catch (IOException e)
        {
            terminal.Say(e.Message);
            _ = Libc.umount2(source, Libc.MNT_DETACH);
        }
    }

    private static void Delete(string directory, ulong device)
    {
        foreach (var path in Directory.GetFileSystemEntries(directory))
        {
            if (Kernel.StatusOf(path) is not { } status || status.Device != device)
                continue;
            if (!status.IsDirectory)
            {
                _ = Libc.unlink(path);
                continue;
            }
            Delete(path, device);
            _ = Libc.rmdir(path);
        }
    }
}
