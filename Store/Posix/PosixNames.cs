using System.Buffers;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store;

/// <content>Directory entries: making, linking, renaming, removing, reading.</content>
public static unsafe partial class Posix
{
    private const uint BasicStats = 0x7ff;
    private const ulong VerityAttribute = 0x100000;

    public static void MakeDirectoryAt(SafeFileHandle dir, ReadOnlySpan<byte> name, int permissions)
    {
        Span<byte> buffer = stackalloc byte[NameBuffer];
        fixed (byte* start = Terminated(name, buffer))
            if (Libc.mkdirat(dir, start, (uint)permissions) < 0)
                throw Failed(name);
    }

    /// <summary>Links a second name to a file; 0, or the error number, because EMLINK and EEXIST are ordinary here.</summary>
    public static int LinkAt(SafeFileHandle oldDir, ReadOnlySpan<byte> oldName, SafeFileHandle newDir, ReadOnlySpan<byte> newName)
    {
        Span<byte> oldBuffer = stackalloc byte[NameBuffer];
        Span<byte> newBuffer = stackalloc byte[NameBuffer];
        fixed (byte* from = Terminated(oldName, oldBuffer), to = Terminated(newName, newBuffer))
            return Libc.linkat(oldDir, from, newDir, to, 0) < 0 ? Marshal.GetLastPInvokeError() : 0;
    }

    /// <summary>Gives an open file that was made without a name its first one; 0, or the error number.</summary>
    public static int LinkOpenFile(SafeFileHandle file, SafeFileHandle dir, ReadOnlySpan<byte> name)
    {
        Span<byte> nameBuffer = stackalloc byte[NameBuffer];
        byte empty = 0;
        fixed (byte* to = Terminated(name, nameBuffer))
        {
            // By descriptor alone is cheaper, but before Linux 6.10 only a privileged process may: ENOENT for others.
            if (Libc.linkat(file, &empty, dir, to, Libc.AtEmptyPath) == 0)
                return 0;
            if (Marshal.GetLastPInvokeError() != ENOENT)
                return Marshal.GetLastPInvokeError();
            using var hold = new FdHold(file);
            fixed (byte* path = Terminated($"/proc/self/fd/{hold.Fd}"))
                return Libc.linkat(file, path, dir, to, Libc.AtSymlinkFollow) < 0 ? Marshal.GetLastPInvokeError() : 0;
        }
    }

    /// <summary>Moves a name, replacing what had the new one.</summary>
    public static void RenameAt(SafeFileHandle oldDir, ReadOnlySpan<byte> oldName, SafeFileHandle newDir, ReadOnlySpan<byte> newName)
    {
        Span<byte> oldBuffer = stackalloc byte[NameBuffer];
        Span<byte> newBuffer = stackalloc byte[NameBuffer];
        fixed (byte* from = Terminated(oldName, oldBuffer), to = Terminated(newName, newBuffer))
            if (Libc.renameat(oldDir, from, newDir, to) < 0)
                throw Failed(newName);
    }

    /// <summary>Moves a name; false when the new one is taken.</summary>
    public static bool TryRenameNoReplaceAt(SafeFileHandle oldDir, ReadOnlySpan<byte> oldName, SafeFileHandle newDir, ReadOnlySpan<byte> newName)
    {
        Span<byte> oldBuffer = stackalloc byte[NameBuffer];
        Span<byte> newBuffer = stackalloc byte[NameBuffer];
        fixed (byte* from = Terminated(oldName, oldBuffer), to = Terminated(newName, newBuffer))
        {
            if (Libc.renameat2(oldDir, from, newDir, to, Libc.RenameNoReplace) == 0)
                return true;
            return Marshal.GetLastPInvokeError() == EEXIST ? false : throw Failed(newName);
        }
    }

    public static void UnlinkAt(SafeFileHandle dir, ReadOnlySpan<byte> name) => Remove(dir, name, 0);

    public static void RemoveDirectoryAt(SafeFileHandle dir, ReadOnlySpan<byte> name) => Remove(dir, name, Libc.AtRemoveDir);

    public static void SymlinkAt(ReadOnlySpan<byte> target, SafeFileHandle dir, ReadOnlySpan<byte> name)
    {
        Span<byte> nameBuffer = stackalloc byte[NameBuffer];
        Span<byte> targetBuffer = stackalloc byte[NameBuffer];
        fixed (byte* to = Terminated(target, targetBuffer), start = Terminated(name, nameBuffer))
            if (Libc.symlinkat(to, dir, start) < 0)
                throw Failed(name);
    }

    public static byte[] ReadLinkAt(SafeFileHandle dir, ReadOnlySpan<byte> name)
    {
        Span<byte> nameBuffer = stackalloc byte[NameBuffer];
        Span<byte> target = stackalloc byte[4096];
        fixed (byte* start = Terminated(name, nameBuffer), to = target)
        {
            var count = Libc.readlinkat(dir, start, to, (nuint)target.Length);
            return count >= 0 ? target[..(int)count].ToArray() : throw Failed(name);
        }
    }

    /// <summary>Makes a device node or a FIFO.</summary>
    public static void MakeNodeAt(SafeFileHandle dir, ReadOnlySpan<byte> name, FileType type, int permissions, uint major, uint minor)
    {
        Span<byte> buffer = stackalloc byte[NameBuffer];
        // glibc's gnu_dev_makedev: the kernel takes 12 + 20 bits spread over 64.
        var device = ((major & 0xfffff000UL) << 32) | ((major & 0xfffUL) << 8) | ((minor & 0xffffff00UL) << 12) | (minor & 0xffUL);
        fixed (byte* start = Terminated(name, buffer))
            if (Libc.mknodat(dir, start, ((uint)type << 12) | (uint)permissions, device) < 0)
                throw Failed(name);
    }

    public static void SetOwnerAt(SafeFileHandle dir, ReadOnlySpan<byte> name, uint uid, uint gid)
    {
        Span<byte> buffer = stackalloc byte[NameBuffer];
        fixed (byte* start = Terminated(name, buffer))
            if (Libc.fchownat(dir, start, uid, gid, Libc.AtSymlinkNofollow) < 0)
                throw Failed(name);
    }

    /// <summary>Sets permissions; the caller has just made the name and knows that it is no symlink.</summary>
    public static void SetPermissionsAt(SafeFileHandle dir, ReadOnlySpan<byte> name, int permissions)
    {
        Span<byte> buffer = stackalloc byte[NameBuffer];
        fixed (byte* start = Terminated(name, buffer))
            if (Libc.fchmodat(dir, start, (uint)permissions, 0) < 0)
                throw Failed(name);
    }

    /// <summary>Sets both times to <paramref name="seconds"/> after 1970.</summary>
    public static void SetTimesAt(SafeFileHandle dir, ReadOnlySpan<byte> name, long seconds)
    {
        Span<byte> buffer = stackalloc byte[NameBuffer];
        var times = stackalloc Libc.Timespec[2];
        times[0].Seconds = times[1].Seconds = seconds;
        fixed (byte* start = Terminated(name, buffer))
            if (Libc.utimensat(dir, start, times, Libc.AtSymlinkNofollow) < 0)
                throw Failed(name);
    }

    /// <summary>Sets both times to the filesystem's present; false when there is no such file.</summary>
    public static bool TouchAt(SafeFileHandle dir, ReadOnlySpan<byte> name)
    {
        Span<byte> buffer = stackalloc byte[NameBuffer];
        fixed (byte* start = Terminated(name, buffer))
        {
            if (Libc.utimensat(dir, start, null, Libc.AtSymlinkNofollow) == 0)
                return true;
            return Marshal.GetLastPInvokeError() == ENOENT ? false : throw Failed(name);
        }
    }

    public static void SetTimes(SafeFileHandle file, long seconds, string subject)
    {
        var times = stackalloc Libc.Timespec[2];
        times[0].Seconds = times[1].Seconds = seconds;
        Check(Libc.futimens(file, times), subject);
    }

    /// <summary>The inode behind a name, or null when there is none. Symlinks are not followed.</summary>
    public static FileStat? StatAt(SafeFileHandle dir, ReadOnlySpan<byte> name)
    {
        Span<byte> buffer = stackalloc byte[NameBuffer];
        Libc.StatxBuffer stat;
        fixed (byte* start = Terminated(name, buffer))
        {
            if (Libc.statx(dir, start, Libc.AtSymlinkNofollow, BasicStats, &stat) == 0)
                return ToFileStat(stat);
            return Marshal.GetLastPInvokeError() is ENOENT or ENOTDIR ? null : throw Failed(name);
        }
    }

    public static FileStat Stat(SafeFileHandle file, string subject)
    {
        Libc.StatxBuffer stat;
        byte empty = 0;
        Check(Libc.statx(file, &empty, Libc.AtEmptyPath, BasicStats, &stat), subject);
        return ToFileStat(stat);
    }

    /// <summary>The names in a directory, without "." and "..", in the filesystem's order, from the directory's start.</summary>
    /// <param name="suffix">Only names that end like this.</param>
    public static List<(byte[] Name, FileType? Type)> ReadDirectory(SafeFileHandle dir, string subject, ReadOnlySpan<byte> suffix = default)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
        try
        {
            return ReadDirectory(dir, buffer, subject, suffix);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static List<(byte[] Name, FileType? Type)> ReadDirectory(SafeFileHandle dir, byte[] buffer, string subject, ReadOnlySpan<byte> suffix)
    {
        const int headerSize = 19;
        var entries = new List<(byte[], FileType?)>();
        Rewind(dir, subject);
        fixed (byte* start = buffer)
        {
            while (true)
            {
                var count = (int)Libc.getdents64(dir, start, (nuint)buffer.Length);
                Check(count, subject);
                if (count == 0)
                    return entries;
                for (var at = 0; at < count;)
                {
                    var length = BitConverter.ToUInt16(buffer, at + 16);
                    var name = buffer.AsSpan(at + headerSize, length - headerSize);
                    name = name[..name.IndexOf((byte)0)];
                    var type = buffer[at + 18];
                    if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8) && name.EndsWith(suffix))
                        entries.Add((name.ToArray(), type == 0 ? null : (FileType)type));
                    at += length;
                }
            }
        }
    }

    private static void Remove(SafeFileHandle dir, ReadOnlySpan<byte> name, int flags)
    {
        Span<byte> buffer = stackalloc byte[NameBuffer];
        fixed (byte* start = Terminated(name, buffer))
            if (Libc.unlinkat(dir, start, flags) < 0)
                throw Failed(name);
    }

    private static FileStat ToFileStat(in Libc.StatxBuffer s) => new(
        (FileType)(s.Mode >> 12), s.Mode & 0xfff, s.Uid, s.Gid, (long)s.Size, (long)s.Blocks, s.Links, s.Inode,
        s.DevMajor, s.DevMinor, s.RdevMajor, s.RdevMinor,
        s.ModifiedSeconds * 1_000_000_000 + s.ModifiedNanoseconds, s.ChangedSeconds * 1_000_000_000 + s.ChangedNanoseconds,
        (s.Attributes & VerityAttribute) != 0);
}
