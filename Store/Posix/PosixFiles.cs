using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store;

/// <content>Opening, reading, writing and locking files.</content>
public static unsafe partial class Posix
{
    /// <summary>Opens a directory that the operator named; symlinks on the way are followed.</summary>
    public static SafeFileHandle OpenDirectory(string path)
    {
        fixed (byte* name = Terminated(path))
            return Opened(name, Libc.Directory, path);
    }

    /// <summary>Opens a directory inside another one; a symlink is refused.</summary>
    public static SafeFileHandle OpenDirectoryAt(SafeFileHandle dir, ReadOnlySpan<byte> name) =>
        OpenAt(dir, name, Libc.Directory | Libc.NoFollow);

    /// <summary>Opens a file that the operator named, for reading.</summary>
    public static SafeFileHandle OpenForReading(string path)
    {
        fixed (byte* name = Terminated(path))
            return Opened(name, Libc.NonBlock, path);
    }

    /// <summary>Opens for reading without following a symlink and without waiting for a FIFO's writer.</summary>
    public static SafeFileHandle OpenForReadingAt(SafeFileHandle dir, ReadOnlySpan<byte> name) =>
        OpenAt(dir, name, Libc.NoFollow | Libc.NonBlock);

    /// <summary>Makes a new file for reading and writing; an existing name is an error.</summary>
    public static SafeFileHandle CreateAt(SafeFileHandle dir, ReadOnlySpan<byte> name, int permissions) =>
        OpenAt(dir, name, Libc.ReadWrite | Libc.Create | Libc.Exclusive | Libc.NoFollow, (uint)permissions);

    /// <summary>Makes a new file that has no name until <see cref="LinkOpenFile"/> gives it one, and is gone when it is closed before.</summary>
    public static SafeFileHandle CreateUnnamedAt(SafeFileHandle dir, int permissions) =>
        OpenAt(dir, "."u8, Libc.ReadWrite | Libc.Unnamed, (uint)permissions);

    /// <summary>Whether the filesystem can make files without a name.</summary>
    public static bool HasUnnamedFiles(SafeFileHandle dir)
    {
        try
        {
            CreateUnnamedAt(dir, 0x180).Dispose();
            return true;
        }
        catch (PosixException e) when (e.Errno is EOPNOTSUPP or EISDIR or EINVAL or ENOENT)
        {
            return false;
        }
    }

    /// <summary>How many files this process may have open.</summary>
    public static long MaxOpenFiles
    {
        get
        {
            const int openFiles = 7;
            var limits = stackalloc ulong[2];
            Check(Libc.getrlimit(openFiles, limits), "limit of open files");
            return (long)Math.Min(limits[0], long.MaxValue);
        }
    }

    /// <summary>Opens a file for reading and writing, making it when it is missing.</summary>
    public static SafeFileHandle OpenOrCreateAt(SafeFileHandle dir, ReadOnlySpan<byte> name, int permissions) =>
        OpenAt(dir, name, Libc.ReadWrite | Libc.Create | Libc.NoFollow, (uint)permissions);

    /// <summary>Reads at most the buffer's length from the present position; 0 at the end.</summary>
    public static int Read(SafeFileHandle file, Span<byte> buffer, string subject)
    {
        fixed (byte* start = buffer)
        {
            nint count;
            do count = Libc.read(file, start, (nuint)buffer.Length);
            while (count < 0 && Marshal.GetLastPInvokeError() == EINTR);
            Check((int)count, subject);
            return (int)count;
        }
    }

    /// <summary>Reads until the buffer is full or the file ends; the number of bytes read.</summary>
    public static int ReadFull(SafeFileHandle file, Span<byte> buffer, string subject)
    {
        var total = 0;
        while (total < buffer.Length)
        {
            var count = Read(file, buffer[total..], subject);
            if (count == 0)
                break;
            total += count;
        }
        return total;
    }

    /// <summary>Writes all bytes at the present position.</summary>
    public static void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, string subject)
    {
        while (bytes.Length > 0)
        {
            nint count;
            fixed (byte* start = bytes)
                count = Libc.write(file, start, (nuint)bytes.Length);
            if (count < 0 && Marshal.GetLastPInvokeError() == EINTR)
                continue;
            Check((int)count, subject);
            bytes = bytes[(int)count..];
        }
    }

    /// <summary>Reads at most the buffer's length from <paramref name="offset"/>; 0 at the end. Leaves the position alone.</summary>
    public static int ReadAt(SafeFileHandle file, long offset, Span<byte> buffer, string subject)
    {
        fixed (byte* start = buffer)
        {
            nint count;
            do count = Libc.pread(file, start, (nuint)buffer.Length, offset);
            while (count < 0 && Marshal.GetLastPInvokeError() == EINTR);
            Check((int)count, subject);
            return (int)count;
        }
    }

    /// <summary>Writes all bytes from <paramref name="offset"/> on; what lies before may be a hole. Leaves the position alone.</summary>
    public static void WriteAt(SafeFileHandle file, long offset, ReadOnlySpan<byte> bytes, string subject)
    {
        while (bytes.Length > 0)
        {
            nint count;
            fixed (byte* start = bytes)
                count = Libc.pwrite(file, start, (nuint)bytes.Length, offset);
            if (count < 0 && Marshal.GetLastPInvokeError() == EINTR)
                continue;
            Check((int)count, subject);
            bytes = bytes[(int)count..];
            offset += count;
        }
    }

    /// <summary>Moves the position forward without writing: the gap reads as zero and takes no blocks.</summary>
    public static void SkipForward(SafeFileHandle file, long count, string subject)
    {
        const int fromHere = 1;
        if (Libc.lseek(file, count, fromHere) < 0)
            throw new PosixException(subject, Marshal.GetLastPInvokeError());
    }

    /// <summary>Moves the position to the file's start.</summary>
    public static void Rewind(SafeFileHandle file, string subject)
    {
        if (Libc.lseek(file, 0, 0) < 0)
            throw new PosixException(subject, Marshal.GetLastPInvokeError());
    }

    /// <summary>The magic number of the filesystem that holds an open file, as statfs(2) lists them.</summary>
    public static long FilesystemType(SafeFileHandle file, string subject)
    {
        // struct statfs is at most 120 bytes; its first field is a machine word.
        var buffer = stackalloc byte[256];
        Check(Libc.fstatfs(file, buffer), subject);
        return *(nint*)buffer;
    }

    /// <summary>Takes a lock that ends with the process. False when another holder has it and <paramref name="wait"/> is off.</summary>
    public static bool TryLock(SafeFileHandle file, bool exclusive, bool wait, string subject)
    {
        var operation = (exclusive ? Libc.LockExclusive : Libc.LockShared) | (wait ? 0 : Libc.LockNonBlocking);
        while (Libc.flock(file, operation) < 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            if (errno == EAGAIN)
                return false;
            if (errno != EINTR)
                throw new PosixException(subject, errno);
        }
        return true;
    }

    /// <summary>
    /// Gives a lock back. Closing alone may be late: a child that another thread is just starting has a copy until it runs its program.
    /// </summary>
    public static void Unlock(SafeFileHandle file) => _ = Libc.flock(file, Libc.LockRelease);

    private static SafeFileHandle OpenAt(SafeFileHandle dir, ReadOnlySpan<byte> name, int flags, uint mode = 0)
    {
        Span<byte> buffer = stackalloc byte[NameBuffer];
        fixed (byte* start = Terminated(name, buffer))
        {
            int fd;
            do fd = Libc.openat(dir, start, flags | Libc.CloseOnExec, mode);
            while (fd < 0 && Marshal.GetLastPInvokeError() == EINTR);
            return fd >= 0 ? new SafeFileHandle(fd, ownsHandle: true) : throw Failed(name);
        }
    }

    private static SafeFileHandle Opened(byte* name, int flags, string subject)
    {
        int fd;
        do fd = Libc.open(name, flags | Libc.CloseOnExec, 0);
        while (fd < 0 && Marshal.GetLastPInvokeError() == EINTR);
        return fd >= 0 ? new SafeFileHandle(fd, ownsHandle: true) : throw new PosixException(subject, Marshal.GetLastPInvokeError());
    }

    // Longest relative name used: a 255-byte entry, or a short internal path.
    private const int NameBuffer = 320;

    private static PosixException Failed(ReadOnlySpan<byte> name) => new(Display(name), Marshal.GetLastPInvokeError());

    private static ReadOnlySpan<byte> Terminated(ReadOnlySpan<byte> name, Span<byte> buffer)
    {
        if (name.Length >= buffer.Length)
            buffer = new byte[name.Length + 1];
        name.CopyTo(buffer);
        buffer[name.Length] = 0;
        return buffer[..(name.Length + 1)];
    }

    private static ReadOnlySpan<byte> Terminated(string path)
    {
        var bytes = new byte[Encoding.UTF8.GetByteCount(path) + 1];
        Encoding.UTF8.GetBytes(path, bytes);
        return bytes;
    }
}
