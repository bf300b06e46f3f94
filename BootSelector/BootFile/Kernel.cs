using System.Runtime.InteropServices;

namespace ContentTree.BootFile;

/// <summary>The calls this library makes to libc, and nothing else of it. Written for 64-bit Linux; numbers that differ
/// between architectures stand here only.</summary>
internal static partial class Kernel
{
    public const int O_RDONLY = 0;
    public const int O_WRONLY = 1;
    public const int O_CREAT = 0x40;
    public const int O_EXCL = 0x80;
    public const int O_NONBLOCK = 0x800;
    public const int O_CLOEXEC = 0x80000;
    public const int EINVAL = 22;
    public const int EEXIST = 17;
    public const int EINTR = 4;
    private const int AT_EMPTY_PATH = 0x1000;
    private const int AT_FDCWD = -100;
    private const int AT_SYMLINK_NOFOLLOW = 0x100;
    private const uint STATX_BASIC = 0x7ff;
    private const int POSIX_FADV_DONTNEED = 4;

    private static readonly bool IsArm = RuntimeInformation.ProcessArchitecture is Architecture.Arm or Architecture.Arm64;

    public static readonly int O_DIRECT = IsArm ? 0x10000 : 0x4000;
    public static readonly int O_DIRECTORY = IsArm ? 0x4000 : 0x10000;
    public static readonly int O_NOFOLLOW = IsArm ? 0x8000 : 0x20000;

    /// <summary>The kind of file an entry or descriptor is, its size, and the file system it is on.</summary>
    public readonly struct FileStatus(uint type, long size, ulong device)
    {
        public long Size { get; } = size;
        public ulong Device { get; } = device;
        public bool IsRegular => type == 0x8000;
        public bool IsDirectory => type == 0x4000;
    }

    /// <summary>Null when there is no such entry or it cannot be looked at; a symlink is not followed.</summary>
    public static FileStatus? StatusOf(string path) => Status(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);

    public static FileStatus? StatusOf(int fd) => Status(fd, "", AT_EMPTY_PATH);

    public static void DropCached(int fd) => _ = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);

    /// <summary>Whether the call that gave this result was ended by a signal before it did anything: it is made again.</summary>
    public static bool IsInterrupted(nint result) => result < 0 && Marshal.GetLastPInvokeError() == EINTR;

    public static int Open(string path, int flags, uint mode)
    {
        int fd;
        do fd = open(path, flags, mode);
        while (IsInterrupted(fd));
        return fd;
    }

    public static int Flush(int fd)
    {
        int result;
        do result = fsync(fd);
        while (IsInterrupted(result));
        return result;
    }

    public static IOException Error(string what, string path)
    {
        var errno = Marshal.GetLastPInvokeError();
        return new IOException($"{what} {path}: {Marshal.GetPInvokeErrorMessage(errno)} (errno {errno})");
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int close(int fd);

    [LibraryImport("libc", SetLastError = true)]
    public static unsafe partial nint pread(int fd, byte* buffer, nuint count, long offset);

    [LibraryImport("libc", SetLastError = true)]
    public static unsafe partial nint pwrite(int fd, byte* buffer, nuint count, long offset);

    [LibraryImport("libc", SetLastError = true)]
    public static unsafe partial nint write(int fd, byte* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(int fd);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fchmod(int fd, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int ftruncate(int fd, long length);

    [LibraryImport("libc")]
    private static partial int posix_fadvise(int fd, long offset, long length, int advice);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int statx(int directory, string path, int flags, uint mask, byte* buffer);

    // statx has one layout on every architecture, unlike stat: mode is a u16 at 28, size a u64 at 40, device two u32 at 136,
    // 256 bytes in all.
    private static unsafe FileStatus? Status(int directory, string path, int flags)
    {
        var buffer = stackalloc byte[256];
        if (statx(directory, path, flags, STATX_BASIC, buffer) != 0)
            return null;
        return new FileStatus((uint)(*(ushort*)(buffer + 28) & 0xf000), *(long*)(buffer + 40), *(ulong*)(buffer + 136));
    }
}
