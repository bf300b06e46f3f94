using System.Runtime.InteropServices;
using System.Text;

namespace ContentTree.BootFile;

/// <summary>
/// A file opened with suspicion: what stands under a name may be a FIFO that would hang, a symlink that leads elsewhere or a
/// gigabyte. Only a regular file is opened, and no more is read than asked for.
/// </summary>
internal sealed class RegularFile : IDisposable
{
    private readonly string _path;
    private int _fd;

    private RegularFile(string path, int fd, long size)
    {
        _path = path;
        _fd = fd;
        Size = size;
    }

    /// <summary>Bytes when it was opened.</summary>
    public long Size { get; }

    /// <exception cref="IOException">It is missing, cannot be opened or is not a regular file.</exception>
    public static RegularFile Open(string path, int flags)
    {
        var fd = Kernel.Open(path, flags | Kernel.O_NOFOLLOW | Kernel.O_NONBLOCK | Kernel.O_CLOEXEC, 0x180); // 0600
        if (fd < 0)
            throw Kernel.Error("cannot open", path);
        if (Kernel.StatusOf(fd) is { IsRegular: true } status)
            return new RegularFile(path, fd, status.Size);
        _ = Kernel.close(fd);
        throw new IOException($"{path} is not a regular file");
    }

    /// <summary>The whole file as bytes, or null when it is missing, no regular file or larger than <paramref name="limit"/>.</summary>
    public static byte[]? TryReadAll(string path, int limit)
    {
        var bytes = TryReadStart(path, limit + 1);
        return bytes is null || bytes.Length > limit ? null : bytes;
    }

    /// <summary>The first <paramref name="limit"/> bytes at most, or null when it is missing or no regular file.</summary>
    public static byte[]? TryReadStart(string path, int limit)
    {
        if (Kernel.StatusOf(path) is not { IsRegular: true })
            return null;
        try
        {
            using var file = Open(path, Kernel.O_RDONLY);
            var bytes = new byte[(int)Math.Min(file.Size, limit)];
            return bytes[..file.Read(bytes)];
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>The text of a file of /proc or /sys, which claim to be empty: 64 KiB of it at most, or "" when it cannot be read.</summary>
    public static string ReadUnsized(string path)
    {
        try
        {
            using var file = Open(path, Kernel.O_RDONLY);
            var bytes = new byte[1 << 16];
            return Encoding.UTF8.GetString(bytes, 0, file.Read(bytes));
        }
        catch (IOException)
        {
            return "";
        }
    }

    /// <summary>Reads from the start until <paramref name="buffer"/> is full or the file ends; returns the bytes read.</summary>
    public unsafe int Read(Span<byte> buffer)
    {
        var done = 0;
        fixed (byte* start = buffer)
        {
            while (done < buffer.Length)
            {
                var count = Kernel.pread(_fd, start + done, (nuint)(buffer.Length - done), done);
                if (count == 0)
                    break;
                if (count > 0)
                    done += (int)count;
                else if (!Kernel.IsInterrupted(count))
                    throw Kernel.Error("cannot read", _path);
            }
        }
        return done;
    }

    /// <summary>Overwrites the start of the file with one call, so that one sector is one write, where the file system takes it whole.</summary>
    public unsafe void Overwrite(ReadOnlySpan<byte> bytes)
    {
        var done = 0;
        fixed (byte* start = bytes)
        {
            while (done < bytes.Length)
            {
                var count = Kernel.pwrite(_fd, start + done, (nuint)(bytes.Length - done), done);
                if (count > 0)
                    done += (int)count;
                else if (!Kernel.IsInterrupted(count))
                    throw count < 0 ? Kernel.Error("cannot write", _path) : new IOException($"{_path}: {done} of {bytes.Length} bytes written");
            }
        }
    }

    /// <summary>Adds to a file that was opened for appending.</summary>
    public unsafe void Append(ReadOnlySpan<byte> bytes)
    {
        var done = 0;
        fixed (byte* start = bytes)
        {
            while (done < bytes.Length)
            {
                var count = Kernel.write(_fd, start + done, (nuint)(bytes.Length - done));
                if (count > 0)
                    done += (int)count;
                else if (!Kernel.IsInterrupted(count))
                    throw count < 0 ? Kernel.Error("cannot append to", _path) : new IOException($"{_path}: {done} of {bytes.Length} bytes added");
            }
        }
    }

    public void SetMode(uint mode)
    {
        if (Kernel.fchmod(_fd, mode) != 0)
            throw Kernel.Error("cannot set the mode of", _path);
    }

    public void SetSize(long size)
    {
        int result;
        do result = Kernel.ftruncate(_fd, size);
        while (Kernel.IsInterrupted(result));
        if (result != 0)
            throw Kernel.Error("cannot set the size of", _path);
    }

    public void Flush()
    {
        if (Kernel.Flush(_fd) != 0)
            throw Kernel.Error("cannot flush", _path);
    }

    /// <summary>
    /// As <see cref="Flush"/>, where nothing else is flushed afterwards. f2fs ends the first fsync after a checkpoint before its block is written
    /// (f2fs_wait_on_node_pages_writeback takes the sequence number 0, at which each checkpoint begins, for none), seen on Linux 6.1; that of a
    /// directory is a checkpoint itself, and waits. Elsewhere it finds nothing to do.
    /// </summary>
    public void FlushInPlace()
    {
        Flush();
        SlotFile.FlushDirectory(Path.GetDirectoryName(_path)!);
    }

    public void DropCached() => Kernel.DropCached(_fd);

    public void Dispose()
    {
        if (_fd >= 0)
            _ = Kernel.close(_fd);
        _fd = -1;
    }
}
