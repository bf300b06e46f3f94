using System.Text;
using Mono.Unix.Native;

namespace ContentTree.Store;

/// <summary>Mounts as one process sees them.</summary>
public static unsafe class PosixMounts
{
    private const int NewMountNamespace = 0x20000;
    private const ulong ReadOnlyFlag = 1;
    private const ulong Remount = 32;
    private const ulong Bind = 4096;
    private const ulong Recursive = 16384;
    private const ulong Slave = 1 << 19;
    private const ulong NoSuid = 2;
    private const ulong NoDevices = 4;
    private const ulong NoExecute = 8;
    private const int DetachWithoutFollowing = 2 | 8;

    /// <summary>Whether nothing below the path can be written, be it by the mount or by the filesystem.</summary>
    public static bool IsReadOnly(string path) => (Flags(path) & ReadOnlyFlag) != 0;

    /// <summary>
    /// Gives the calling thread a copy of all mounts, of which nobody else sees changes; what others mount and unmount later is seen
    /// here too, so that a long-lived process keeps no disk busy. Threads that exist already keep the old view:
    /// <see cref="StartAgain"/> follows.
    /// </summary>
    public static void LeaveSharedMounts()
    {
        Posix.Check(Libc.unshare(NewMountNamespace), "mount namespace");
        Mount("none", "/", Recursive | Slave);
    }

    /// <summary>Takes away what this process may take away of what is mounted at the path; what is in use goes when it is let go.</summary>
    public static void RemoveAll(string path)
    {
        fixed (byte* at = Encoding.UTF8.GetBytes(path + '\0'))
        {
            while (Libc.umount2(at, DetachWithoutFollowing) == 0)
            {
            }
        }
    }

    /// <summary>Makes a read-only mount writable, its other flags as they were.</summary>
    public static void RemountWritable(string path) =>
        Mount("none", path, Remount | Bind | (Flags(path) & (NoSuid | NoDevices | NoExecute)));

    /// <summary>Replaces the program by itself, with the same arguments and environment; only the calling thread's view of mounts remains.</summary>
    public static void StartAgain()
    {
        var arguments = File.ReadAllBytes("/proc/self/cmdline");
        var count = arguments.Count(b => b == 0);
        var pointers = stackalloc byte*[count + 1];
        fixed (byte* start = arguments, program = "/proc/self/exe\0"u8)
        {
            var at = 0;
            for (var i = 0; i < count; i++)
            {
                pointers[i] = start + at;
                at += arguments.AsSpan(at).IndexOf((byte)0) + 1;
            }
            pointers[count] = null;
            Posix.Check(Libc.execv(program, pointers), "/proc/self/exe");
        }
    }

    private static ulong Flags(string path)
    {
        Posix.Check(Syscall.statvfs(path, out var stat), path);
        return (ulong)stat.f_flag;
    }

    private static void Mount(string source, string target, ulong flags)
    {
        fixed (byte* from = Encoding.UTF8.GetBytes(source + '\0'), to = Encoding.UTF8.GetBytes(target + '\0'))
            Posix.Check(Libc.mount(from, to, null, flags, null), target);
    }
}
