using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store;

/// <content>Extended attributes, by descriptor for open files and by name for what cannot be opened.</content>
public static unsafe partial class Posix
{
    private const int MaxXattrList = 65536;

    // "/proc/self/fd/", a number, a slash, a name of 255 bytes.
    private const int PathBuffer = 320;

    /// <summary>Names of an open file's attributes; empty where the filesystem has none.</summary>
    public static IReadOnlyList<byte[]> ListXattrs(SafeFileHandle file, string subject)
    {
        Span<byte> quick = stackalloc byte[1024];
        fixed (byte* start = quick)
        {
            var count = Libc.flistxattr(file, start, (nuint)quick.Length);
            if (count == 0)
                return [];
            if (count > 0)
                return SplitNames(quick[..(int)count]);
        }
        var list = new byte[MaxXattrList];
        fixed (byte* start = list)
            return ListedNames(Libc.flistxattr(file, start, (nuint)list.Length), list, subject);
    }

    /// <summary>Names of the attributes of an entry that may be a symlink or a device.</summary>
    public static IReadOnlyList<byte[]> ListXattrsAt(SafeFileHandle dir, ReadOnlySpan<byte> name)
    {
        Span<byte> quick = stackalloc byte[512];
        var count = ListXattrsAt(dir, name, quick);
        if (count == 0)
            return [];
        if (count > 0)
            return SplitNames(quick[..(int)count]);
        var list = new byte[MaxXattrList];
        return ListedNames(ListXattrsAt(dir, name, list), list, Display(name));
    }

    private static nint ListXattrsAt(SafeFileHandle dir, ReadOnlySpan<byte> name, Span<byte> list)
    {
        Span<byte> buffer = stackalloc byte[PathBuffer];
        fixed (byte* start = list)
        {
            fixed (byte* relative = Terminated(name, buffer))
            {
                var count = Libc.listxattrat(Libc.ListXattrAt, dir, relative, Libc.AtSymlinkNofollow, start, (nuint)list.Length);
                // An older kernel, or a container's filter that does not know the call.
                if (count >= 0 || Marshal.GetLastPInvokeError() is not (ENOSYS or EPERM))
                    return count;
            }
            fixed (byte* path = DescriptorPath(dir, name, buffer))
                return Libc.llistxattr(path, start, (nuint)list.Length);
        }
    }

    /// <summary>An attribute's value, or null when it is not there.</summary>
    public static byte[]? GetXattr(SafeFileHandle file, ReadOnlySpan<byte> attribute, string subject)
    {
        var value = new byte[MaxXattrList];
        Span<byte> buffer = stackalloc byte[NameBuffer];
        fixed (byte* name = Terminated(attribute, buffer), start = value)
            return Value(Libc.fgetxattr(file, name, start, (nuint)value.Length), value, subject);
    }

    /// <summary>As <see cref="GetXattr"/>, for an entry that may be a symlink or a device.</summary>
    public static byte[]? GetXattrAt(SafeFileHandle dir, ReadOnlySpan<byte> entry, ReadOnlySpan<byte> attribute)
    {
        var value = new byte[MaxXattrList];
        Span<byte> pathBuffer = stackalloc byte[PathBuffer];
        Span<byte> buffer = stackalloc byte[NameBuffer];
        fixed (byte* path = DescriptorPath(dir, entry, pathBuffer), name = Terminated(attribute, buffer), start = value)
            return Value(Libc.lgetxattr(path, name, start, (nuint)value.Length), value, Display(entry));
    }

    public static void SetXattr(SafeFileHandle file, ReadOnlySpan<byte> attribute, ReadOnlySpan<byte> value, string subject)
    {
        Span<byte> buffer = stackalloc byte[NameBuffer];
        fixed (byte* name = Terminated(attribute, buffer), start = value)
            Check(Libc.fsetxattr(file, name, start, (nuint)value.Length, 0), $"{subject}: {Display(attribute)}");
    }

    public static void SetXattrAt(SafeFileHandle dir, ReadOnlySpan<byte> entry, ReadOnlySpan<byte> attribute, ReadOnlySpan<byte> value)
    {
        Span<byte> pathBuffer = stackalloc byte[PathBuffer];
        Span<byte> buffer = stackalloc byte[NameBuffer];
        fixed (byte* path = DescriptorPath(dir, entry, pathBuffer), name = Terminated(attribute, buffer), start = value)
            Check(Libc.lsetxattr(path, name, start, (nuint)value.Length, 0), $"{Display(entry)}: {Display(attribute)}");
    }

    private static List<byte[]> ListedNames(nint count, byte[] list, string subject)
    {
        if (count < 0 && Marshal.GetLastPInvokeError() == EOPNOTSUPP)
            return [];
        Check((int)count, subject);
        return SplitNames(list.AsSpan(0, (int)count));
    }

    private static byte[]? Value(nint count, byte[] value, string subject)
    {
        if (count < 0 && Marshal.GetLastPInvokeError() is ENODATA or EOPNOTSUPP)
            return null;
        Check((int)count, subject);
        return value[..(int)count];
    }

    private static List<byte[]> SplitNames(ReadOnlySpan<byte> list)
    {
        var names = new List<byte[]>();
        while (list.Length > 0)
        {
            var end = list.IndexOf((byte)0);
            names.Add(list[..end].ToArray());
            list = list[(end + 1)..];
        }
        return names;
    }

    // The descriptor's entry in /proc makes the path relative to the open directory.
    private static ReadOnlySpan<byte> DescriptorPath(SafeFileHandle dir, ReadOnlySpan<byte> name, Span<byte> buffer)
    {
        using var hold = new FdHold(dir);
        System.Text.Unicode.Utf8.TryWrite(buffer, $"/proc/self/fd/{hold.Fd}/", out var length);
        name.CopyTo(buffer[length..]);
        buffer[length + name.Length] = 0;
        return buffer[..(length + name.Length + 1)];
    }
}
