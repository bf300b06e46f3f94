using ContentTree.Store;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Deploy.Loaders;

/// <summary>
/// Files and directories for a boot loader, made and removed so that a power cut does no harm on FAT, which has no journal: clusters belong to
/// a file in the table before a name leads to them, and no name leads to them any more when they are given back. docs/boot.md.
/// </summary>
internal static class FatFiles
{
    private const int Permissions = 0x1a4;
    private const int DirectoryPermissions = 0x1ed;
    // What takes long to write is written back by the kernel in between, its name before the table.
    private const long Large = 1 << 16;

    /// <summary>Makes a file, or fills an empty one. A power cut leaves it empty or whole.</summary>
    public static void Create(SafeFileHandle parent, ReadOnlySpan<byte> name, long size, Action<SafeFileHandle> write)
    {
        using var file = Posix.OpenOrCreateAt(parent, name, Permissions);
        try
        {
            Fill(parent, file, Posix.Display(name), size, write);
        }
        catch
        {
            Posix.UnlinkAt(parent, name);
            throw;
        }
    }

    /// <summary>Puts content under a name, which leads to the old content or to the new one, whole.</summary>
    public static void Replace(SafeFileHandle parent, ReadOnlySpan<byte> name, byte[] content)
    {
        if (Posix.StatAt(parent, name) is not { Type: FileType.Regular, Size: > 0 })
        {
            Create(parent, name, content.Length, file => Posix.Write(file, content, "boot file"));
            return;
        }
        var temporary = DurableFiles.TemporaryName();
        var subject = Posix.Display(name);
        // As long as it is open its clusters are not given back.
        using var old = Posix.OpenForReadingAt(parent, name);
        using var file = Posix.CreateAt(parent, temporary, Permissions);
        Fill(parent, file, subject, content.Length, f => Posix.Write(f, content, subject));
        Posix.RenameAt(parent, temporary, parent, name);
        // The temporary name is gone, the other one leads to the old content still: FAT changes it with the file's inode, in one sector.
        Posix.Fsync(parent, subject);
        Posix.Fsync(file, subject);
        Posix.Fsync(parent, subject);
    }

    /// <summary>Makes a directory unless it is there.</summary>
    public static void MakeDirectory(SafeFileHandle parent, ReadOnlySpan<byte> name)
    {
        DurableFiles.EnsureDirectory(parent, name, DirectoryPermissions);
        var subject = Posix.Display(name);
        // The flush of any file writes the table: its cluster belongs to it before its name is on the disk.
        using (var directory = Posix.OpenDirectoryAt(parent, name))
            Posix.Fsync(directory, subject);
        Posix.Fsync(parent, subject);
    }

    /// <summary>Removes a file, or a directory with all that is in it. A missing one is fine.</summary>
    public static void Remove(SafeFileHandle parent, ReadOnlySpan<byte> name)
    {
        var subject = Posix.Display(name);
        switch (Posix.StatAt(parent, name)?.Type)
        {
            case null:
                return;
            case FileType.Directory:
                using (var directory = Posix.OpenDirectoryAt(parent, name))
                {
                    foreach (var (child, _) in Posix.ReadDirectory(directory, subject))
                        Remove(directory, child);
                    Posix.RemoveDirectoryAt(parent, name);
                    Posix.Fsync(parent, subject);
                }
                return;
            case FileType.Regular:
                using (Posix.OpenForReadingAt(parent, name))
                {
                    Posix.UnlinkAt(parent, name);
                    Posix.Fsync(parent, subject);
                }
                return;
            default:
                Posix.UnlinkAt(parent, name);
                return;
        }
    }

    private static void Fill(SafeFileHandle parent, SafeFileHandle file, string subject, long size, Action<SafeFileHandle> write)
    {
        if (size > Large)
        {
            Posix.TryPreallocate(file, size);
            Posix.Fsync(parent, subject);
        }
        write(file);
        Posix.WriteBack(file);
        // Content and table, and a name that leads nowhere yet; then that name, in one sector.
        Posix.Fsync(parent, subject);
        Posix.Fsync(file, subject);
    }
}
