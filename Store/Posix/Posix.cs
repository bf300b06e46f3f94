using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Mono.Unix.Native;

namespace ContentTree.Store;

/// <summary>
/// The one door to the kernel. Names are bytes and relative to an open directory, so a symlink planted in a tree cannot
/// lead a call elsewhere. Failures are <see cref="PosixException"/>.
/// </summary>
/// <remarks>
/// Mono.Posix serves what it has by descriptor; calls it lacks (or that take names, which must stay bytes) are bound
/// to libc in <see cref="Libc"/>.
/// </remarks>
public static partial class Posix
{
    public const int EPERM = 1;
    public const int ENOENT = 2;
    public const int EIO = 5;
    public const int ENOTTY = 25;
    public const int EINTR = 4;
    public const int EACCES = 13;
    public const int EEXIST = 17;
    public const int EXDEV = 18;
    public const int ENOTDIR = 20;
    public const int EISDIR = 21;
    public const int EINVAL = 22;
    public const int ENOSPC = 28;
    public const int EROFS = 30;
    public const int EMLINK = 31;
    public const int EAGAIN = 11;
    public const int ENOSYS = 38;
    public const int ENOTEMPTY = 39;
    public const int ELOOP = 40;
    public const int ENODATA = 61;
    public const int EOPNOTSUPP = 95;
    public const int EDQUOT = 122;

    /// <summary>Whether the process may change owners and make device nodes.</summary>
    public static bool IsRoot => Syscall.geteuid() == 0;

    /// <summary>Makes the file's content and inode durable.</summary>
    public static void Fsync(SafeFileHandle file, string subject)
    {
        using var hold = new FdHold(file);
        Check(Retry(hold, static fd => Syscall.fsync(fd)), subject);
    }

    /// <summary>Makes everything written to the filesystem that holds <paramref name="file"/> durable.</summary>
    public static void SyncFilesystem(SafeFileHandle file, string subject)
    {
        int result;
        do result = Libc.syncfs(file);
        while (result < 0 && Marshal.GetLastPInvokeError() == EINTR);
        Check(result, subject);
    }

    /// <summary>Writes a file's content to the disk and nothing else: neither its size nor where it lies. Not durable by itself.</summary>
    public static void WriteBack(SafeFileHandle file)
    {
        const uint writeAndWait = 7;
        // Where it is not to be had, a flush follows all the same, and tells of errors.
        _ = Libc.sync_file_range(file, 0, 0, writeAndWait);
    }

    /// <summary>Gives a file its room before its content, where the filesystem can.</summary>
    public static void TryPreallocate(SafeFileHandle file, long size)
    {
        const int keepSize = 1;
        _ = Libc.fallocate(file, keepSize, 0, size);
    }

    /// <summary>What is read next comes from the disk, of what was flushed before.</summary>
    public static void DropCached(SafeFileHandle file)
    {
        const int dontNeed = 4;
        _ = Libc.posix_fadvise(file, 0, 0, dontNeed);
    }

    /// <summary>
    /// Brings everything from an ext4 journal to its place, for readers that know no journal, as boot loaders. False where the
    /// filesystem has none or the kernel (before 5.14) does not offer it.
    /// </summary>
    public static unsafe bool TryEmptyJournal(SafeFileHandle file)
    {
        uint nothingElse = 0;
        return Libc.ioctl(file, Libc.Ext4Checkpoint, &nothingElse) == 0;
    }

    /// <summary>
    /// Seals a file with fs-verity: its content never changes any more, and each read is compared with what it was. Owner, mode, attributes and
    /// links still may. The file is open for reading, by nobody for writing.
    /// </summary>
    /// <returns>Null when it is sealed, else the errno.</returns>
    public static unsafe int? TrySeal(SafeFileHandle file)
    {
        // struct fsverity_enable_arg: version 1, SHA-256, blocks of 4096 bytes, no salt, no signature.
        var argument = stackalloc uint[32];
        new Span<uint>(argument, 32).Clear();
        (argument[0], argument[1], argument[2]) = (1, 1, 4096);
        if (Libc.ioctl(file, Libc.EnableVerity, argument) == 0)
            return null;
        return Marshal.GetLastPInvokeError() is var errno && errno == EEXIST ? null : errno;
    }

    public static void SetOwner(SafeFileHandle file, uint uid, uint gid, string subject)
    {
        using var hold = new FdHold(file);
        Check(Syscall.fchown(hold.Fd, uid, gid), subject);
    }

    public static void SetPermissions(SafeFileHandle file, int permissions, string subject)
    {
        using var hold = new FdHold(file);
        Check(Syscall.fchmod(hold.Fd, (FilePermissions)(uint)permissions), subject);
    }

    /// <summary>Sets a file's length; bytes added read as zero and take no blocks.</summary>
    public static void SetLength(SafeFileHandle file, long length, string subject)
    {
        using var hold = new FdHold(file);
        int result;
        do result = Syscall.ftruncate(hold.Fd, length);
        while (result < 0 && Marshal.GetLastPInvokeError() == EINTR);
        Check(result, subject);
    }

    /// <summary>Free space and inodes of the filesystem that holds an open file.</summary>
    public static (long FreeBytes, long FreeInodes) FreeSpace(SafeFileHandle file, string subject)
    {
        using var hold = new FdHold(file);
        Check(Syscall.fstatvfs(hold.Fd, out var stat), subject);
        return ((long)(stat.f_bavail * stat.f_frsize), stat.f_files == 0 ? long.MaxValue : (long)stat.f_favail);
    }

    /// <summary>Bytes of the whole filesystem that holds an open file.</summary>
    public static long TotalSpace(SafeFileHandle file, string subject)
    {
        using var hold = new FdHold(file);
        Check(Syscall.fstatvfs(hold.Fd, out var stat), subject);
        return (long)(stat.f_blocks * stat.f_frsize);
    }

    internal static void Check(int result, string subject)
    {
        if (result < 0)
            throw new PosixException(subject, Marshal.GetLastPInvokeError());
    }

    private static int Retry(FdHold hold, Func<int, int> call)
    {
        int result;
        do result = call(hold.Fd);
        while (result < 0 && Marshal.GetLastPInvokeError() == EINTR);
        return result;
    }

    /// <summary>Keeps a handle's descriptor open while a call that wants a number uses it.</summary>
    internal readonly ref struct FdHold
    {
        private readonly SafeFileHandle _file;

        public FdHold(SafeFileHandle file)
        {
            var added = false;
            file.DangerousAddRef(ref added);
            _file = file;
        }

        public int Fd => (int)_file.DangerousGetHandle();

        public void Dispose() => _file.DangerousRelease();
    }
}
