using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store;

/// <summary>
/// libc calls that Mono.Posix lacks or that must take names as bytes. Constants and layouts are those of Linux on
/// x86-64, arm64 and riscv64; statx, getdents64 and timespec have one layout on all of them.
/// </summary>
internal static unsafe partial class Libc
{
    public const int AtFdCwd = -100;
    public const int AtSymlinkNofollow = 0x100;
    public const int AtRemoveDir = 0x200;
    public const int AtSymlinkFollow = 0x400;
    public const int AtEmptyPath = 0x1000;

    public const int ReadOnly = 0;
    public const int WriteOnly = 1;
    public const int ReadWrite = 2;
    public const int Create = 0x40;
    public const int Exclusive = 0x80;
    public const int Truncate = 0x200;
    public const int Append = 0x400;
    public const int NonBlock = 0x800;
    public const int CloseOnExec = 0x80000;

    public const int RenameNoReplace = 1;

    public const int LockShared = 1;
    public const int LockExclusive = 2;
    public const int LockNonBlocking = 4;
    public const int LockRelease = 8;

    public const nuint Ext4Checkpoint = 0x4004662b;
    public const nuint EnableVerity = 0x40806685;

    // O_DIRECTORY and O_NOFOLLOW are the two open flags whose numbers differ on arm64.
    public static int Directory { get; } = IsArm ? 0x4000 : 0x10000;
    public static int NoFollow { get; } = IsArm ? 0x8000 : 0x20000;

    // O_TMPFILE is a flag of its own together with O_DIRECTORY.
    public static int Unnamed => 0x400000 | Directory;

    private static bool IsArm => RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm;

    [LibraryImport("libc", EntryPoint = "madvise", SetLastError = true)]
    public static partial int AdviseMemory(nint address, nint length, int advice);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int openat(SafeFileHandle dir, byte* name, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int open(byte* path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint read(SafeFileHandle file, byte* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint write(SafeFileHandle file, byte* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint pread(SafeFileHandle file, byte* buffer, nuint count, long offset);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint pwrite(SafeFileHandle file, byte* buffer, nuint count, long offset);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int ioctl(SafeFileHandle file, nuint request, uint* value);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int mkdirat(SafeFileHandle dir, byte* name, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int linkat(SafeFileHandle oldDir, byte* oldName, SafeFileHandle newDir, byte* newName, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int renameat(SafeFileHandle oldDir, byte* oldName, SafeFileHandle newDir, byte* newName);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int renameat2(SafeFileHandle oldDir, byte* oldName, SafeFileHandle newDir, byte* newName, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int unlinkat(SafeFileHandle dir, byte* name, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int symlinkat(byte* target, SafeFileHandle dir, byte* name);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint readlinkat(SafeFileHandle dir, byte* name, byte* buffer, nuint size);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int mknodat(SafeFileHandle dir, byte* name, uint mode, ulong device);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fchownat(SafeFileHandle dir, byte* name, uint uid, uint gid, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fchmodat(SafeFileHandle dir, byte* name, uint mode, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int utimensat(SafeFileHandle dir, byte* name, Timespec* times, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int futimens(SafeFileHandle file, Timespec* times);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int statx(SafeFileHandle dir, byte* name, int flags, uint mask, StatxBuffer* buffer);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint getdents64(SafeFileHandle dir, byte* buffer, nuint size);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int syncfs(SafeFileHandle file);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int sync_file_range(SafeFileHandle file, long offset, long count, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fallocate(SafeFileHandle file, int mode, long offset, long length);

    // Gives the error, and leaves errno alone.
    [LibraryImport("libc")]
    public static partial int posix_fadvise(SafeFileHandle file, long offset, long length, int advice);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int klogctl(int type, byte* buffer, int length);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fstatfs(SafeFileHandle file, byte* buffer);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int flock(SafeFileHandle file, int operation);

    [LibraryImport("libc", SetLastError = true)]
    public static partial long lseek(SafeFileHandle file, long offset, int whence);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint llistxattr(byte* path, byte* list, nuint size);

    // listxattrat(2), Linux 6.13, has no function in libc yet; newer calls have one number on all machines.
    public const nint ListXattrAt = 465;

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    public static partial nint listxattrat(nint number, SafeFileHandle dir, byte* name, uint flags, byte* list, nuint size);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint flistxattr(SafeFileHandle file, byte* list, nuint size);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint lgetxattr(byte* path, byte* name, byte* value, nuint size);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint fgetxattr(SafeFileHandle file, byte* name, byte* value, nuint size);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int lsetxattr(byte* path, byte* name, byte* value, nuint size, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fsetxattr(SafeFileHandle file, byte* name, byte* value, nuint size, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int getrlimit(int resource, ulong* limits);

    [LibraryImport("libc", SetLastError = true)]
    public static partial void* mmap(void* address, nuint length, int protection, int flags, int file, long offset);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int munmap(void* address, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int setpriority(int which, uint who, int nice);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int clock_gettime(int clock, Timespec* time);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int umount2(byte* target, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int mount(byte* source, byte* target, byte* type, ulong flags, byte* data);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int unshare(int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int execv(byte* path, byte** arguments);

    [StructLayout(LayoutKind.Sequential)]
    public struct Timespec
    {
        public long Seconds;
        public long Nanoseconds;
    }

    /// <summary>struct statx of the kernel's user interface, up to the last field used here.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    public struct StatxBuffer
    {
        [FieldOffset(8)] public ulong Attributes;
        [FieldOffset(16)] public uint Links;
        [FieldOffset(20)] public uint Uid;
        [FieldOffset(24)] public uint Gid;
        [FieldOffset(28)] public ushort Mode;
        [FieldOffset(32)] public ulong Inode;
        [FieldOffset(40)] public ulong Size;
        [FieldOffset(48)] public ulong Blocks;
        [FieldOffset(96)] public long ChangedSeconds;
        [FieldOffset(104)] public uint ChangedNanoseconds;
        [FieldOffset(112)] public long ModifiedSeconds;
        [FieldOffset(120)] public uint ModifiedNanoseconds;
        [FieldOffset(128)] public uint RdevMajor;
        [FieldOffset(132)] public uint RdevMinor;
        [FieldOffset(136)] public uint DevMajor;
        [FieldOffset(140)] public uint DevMinor;
    }
}
