using System.Diagnostics;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Local;

/// <summary>Makes the entries that have no content: symlinks, device nodes and FIFOs.</summary>
internal static class SpecialEntry
{
    /// <returns>False for a device node that only root could have made; it is left out then.</returns>
    public static bool Make(SafeFileHandle directory, TreeEntry entry, InodeMetadata inodes)
    {
        var name = entry.Name.Bytes;
        switch (entry)
        {
            case TreeEntry.Symlink symlink:
                Posix.SymlinkAt(symlink.Target, directory, name);
                inodes.ApplyAt(directory, name, symlink.Metadata, isSymlink: true);
                return true;
            case TreeEntry.Device when !inodes.IsPrivileged:
                return false;
            case TreeEntry.Device device:
                Posix.MakeNodeAt(directory, name, TypeOf(device), 0x180, device.Major, device.Minor);
                inodes.ApplyAt(directory, name, device.Metadata, isSymlink: false);
                return true;
            case TreeEntry.Fifo fifo:
                Posix.MakeNodeAt(directory, name, FileType.Fifo, 0x180, 0, 0);
                inodes.ApplyAt(directory, name, fifo.Metadata, isSymlink: false);
                return true;
            default:
                throw new UnreachableException();
        }
    }

    public static FileType TypeOf(TreeEntry.Device device) => device.IsBlock ? FileType.BlockDevice : FileType.CharacterDevice;
}
