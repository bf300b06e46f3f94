using System.Runtime.InteropServices;
using ContentTree.BootFile;
using ContentTree.BootSelector;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Crash;

/// <summary>The disk as a power cut left it, its root mounted by this machine's kernel when it is asked for.</summary>
internal sealed class CutImage : IDisposable
{
    private const int MostAttempts = 3000;
    private const int BadMessage = 74;

    private readonly IReadOnlyList<BlockWrite> _writes;
    private readonly CutContent _content;
    private readonly string _directory, _loop;
    private byte[] _fat = [];
    private bool _tearsSuperblock;

    /// <param name="disk">The disk before the first of the writes.</param>
    public CutImage(byte[] disk, IReadOnlyList<BlockWrite> writes)
    {
        _writes = writes;
        _directory = MakeDirectory();
        Directory.CreateDirectory(Root);
        _content = new CutContent(disk, writes, Path.Combine(_directory, "image"));
        _loop = Shell.Run($"losetup -f --show '{_content.FilePath}'").Trim();
    }

    /// <summary>Where the device's root is mounted.</summary>
    public string Root => Path.Combine(_directory, "mounted");

    private string Fat => Path.Combine(_directory, "fat");

    /// <summary>A new directory in memory, where there is such a place.</summary>
    public static string MakeDirectory() => Directory.CreateDirectory(
        Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), "ctree-cut-" + Guid.NewGuid().ToString("N")[..12])).FullName;

    /// <summary>Makes the disk what the state says, whatever was done to it before. States come in the order of the log.</summary>
    public void Become(CutState state)
    {
        _content.Become(state);
        _tearsSuperblock = state.TearsSuperblock(_writes);
    }

    /// <summary>Mounts the root, which replays its journal, and gives it the boot file of the boot partition.</summary>
    public void Mount()
    {
        var mounted = MountRoot();
        if (mounted != 0 && _tearsSuperblock && Marshal.GetLastPInvokeError() == BadMessage)
        {
            MendSuperblock();
            mounted = MountRoot();
        }
        Libc.Check(mounted, $"cannot mount {_loop} at", Root);
        try
        {
            var boot = Path.Combine(Root, "ctree/boot");
            if (!File.Exists(Path.Combine(boot, "boot.a")))
                CopyFromFat(boot);
        }
        catch
        {
            Unmount();
            throw;
        }
    }

    private int MountRoot() => Libc.mount(_loop, Root, "ext4", MountFlags.NoDev, null);

    // ext4 writes its superblock in place, and refuses one that is half old, half new: a check before the mount takes a copy of it.
    private void MendSuperblock()
    {
        var mended = Shell.Try($"e2fsck -fy -b {CutDisk.SuperblockCopy} -B {CutDisk.BlockSize} {_loop}");
        if (mended.Exit > 1)
            throw new IOException($"e2fsck ends with {mended.Exit}: {mended.Output}{mended.Error}");
    }

    public void Unmount()
    {
        // A handle that nobody closed goes with its object.
        Retry(() => Libc.umount2(Root, 0) == 0, $"{Root} stays in use");
        // A mount namespace that another test made meanwhile has a mount of its own, and what is mounted next would be what that still knows.
        Retry(() => HasNoFileSystem(_loop), $"{_loop} stays mounted elsewhere");
    }

    private static void Retry(Func<bool> succeeds, string otherwise)
    {
        for (var attempt = 0; !succeeds(); attempt++)
        {
            if (attempt == MostAttempts)
                throw new IOException(otherwise);
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Thread.Sleep(10);
        }
    }

    // Only one can have a block device for itself, and a mounted file system has it.
    private static bool HasNoFileSystem(string device)
    {
        var fd = Kernel.Open(device, Kernel.O_RDONLY | Kernel.O_EXCL | Kernel.O_CLOEXEC, 0);
        if (fd >= 0)
            _ = Kernel.close(fd);
        return fd >= 0;
    }

    public string CheckFileSystem() => Shell.Try($"e2fsck -fn {_loop}") is { Exit: not 0 } bad ? bad.Output + bad.Error : "";

    public void Dispose()
    {
        Shell.Try($"umount -l '{Root}' 2>/dev/null; losetup -d {_loop}");
        _content.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private void CopyFromFat(string boot)
    {
        if (!_content.Fat.SequenceEqual(_fat))
        {
            _fat = _content.Fat.ToArray();
            File.WriteAllBytes(Fat, _fat);
            Shell.Run($"rm -f '{Fat}'.?; mcopy -i '{Fat}' ::boot.a '{Fat}.a'; mcopy -i '{Fat}' ::boot.b '{Fat}.b'");
        }
        foreach (var slot in new[] { "a", "b" })
            File.Copy($"{Fat}.{slot}", Path.Combine(boot, $"boot.{slot}"));
    }
}
