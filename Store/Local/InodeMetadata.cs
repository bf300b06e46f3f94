using System.Text;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Local;

/// <summary>
/// Puts a tree's metadata on inodes and reads it back. A store made without root records owners, device nodes and
/// privileged attributes but cannot apply them: what it applies is then the nearest a user may have.
/// </summary>
public sealed class InodeMetadata(bool isPrivileged)
{
    private const int SetIdAndSticky = 0xe00;
    private const int OwnerReadWrite = 0x180;
    private const int OwnerAll = 0x1c0;

    public bool IsPrivileged { get; } = isPrivileged;

    /// <summary>
    /// Owner, mode, attributes, time, in this order: chown clears setuid bits and capabilities, and everything changes
    /// the time. The caller flushes.
    /// </summary>
    public void Apply(SafeFileHandle file, Metadata metadata, bool isDirectory, string subject)
    {
        // Asking is cheaper than changing what is right already: that would write the inode again.
        var stat = Posix.Stat(file, subject);
        var isOthers = IsPrivileged && (stat.Uid != metadata.Uid || stat.Gid != metadata.Gid);
        if (isOthers)
            Posix.SetOwner(file, metadata.Uid, metadata.Gid, subject);
        var mode = AppliedMode(metadata, isDirectory);
        if (isOthers || stat.Permissions != mode)
            Posix.SetPermissions(file, mode, subject);
        foreach (var xattr in metadata.Xattrs.Where(CanApply))
            Posix.SetXattr(file, xattr.Name, xattr.Value, subject);
        Posix.SetTimes(file, Tree.ModifiedSeconds, subject);
    }

    /// <summary>
    /// The mode to make an inode with, so that <see cref="Apply"/> mostly need not change it: what these metadata say, unless that needs
    /// the owner first or keeps it from filling a directory.
    /// </summary>
    public int InitialMode(Metadata metadata, bool isDirectory)
    {
        var mode = AppliedMode(metadata, isDirectory);
        var needed = isDirectory ? OwnerAll : 0;
        return (mode & SetIdAndSticky) == 0 && (mode & needed) == needed ? mode : OwnerReadWrite | needed;
    }

    /// <summary>As <see cref="Apply"/> for symlinks, device nodes and FIFOs, which are not opened.</summary>
    public void ApplyAt(SafeFileHandle directory, ReadOnlySpan<byte> name, Metadata metadata, bool isSymlink)
    {
        if (IsPrivileged)
            Posix.SetOwnerAt(directory, name, metadata.Uid, metadata.Gid);
        if (!isSymlink)
            Posix.SetPermissionsAt(directory, name, AppliedMode(metadata, isDirectory: false));
        foreach (var xattr in metadata.Xattrs.Where(CanApply))
            Posix.SetXattrAt(directory, name, xattr.Name, xattr.Value);
        Posix.SetTimesAt(directory, name, Tree.ModifiedSeconds);
    }

    /// <summary>Null when a name in an open directory is as <see cref="Apply"/> leaves it, else what is wrong with it.</summary>
    public string? DifferenceAt(SafeFileHandle directory, ReadOnlySpan<byte> name, in FileStat stat, Metadata expected)
    {
        var mode = AppliedMode(expected, stat.Type == FileType.Directory);
        if (stat.Type != FileType.Symlink && stat.Permissions != mode)
            return $"mode is {Convert.ToString(stat.Permissions, 8)}, not {Convert.ToString(mode, 8)}";
        if (IsPrivileged && (stat.Uid != expected.Uid || stat.Gid != expected.Gid))
            return $"owner is {stat.Uid}:{stat.Gid}, not {expected.Uid}:{expected.Gid}";
        return HasXattrs(directory, name, expected.Xattrs) ? null : "extended attributes differ";
    }

    /// <summary>The mode that the inode really gets. A user must stay able to read, check and delete what is his.</summary>
    public int AppliedMode(Metadata metadata, bool isDirectory) => IsPrivileged
        ? metadata.Mode
        : (metadata.Mode & ~SetIdAndSticky) | (isDirectory ? OwnerAll : OwnerReadWrite);

    private bool HasXattrs(SafeFileHandle directory, ReadOnlySpan<byte> name, IReadOnlyList<Xattr> expected)
    {
        IReadOnlyList<Xattr> present;
        try
        {
            present = Trees.SourceXattrs.ReadAt(directory, name);
        }
        catch (Trees.UnsupportedSourceException)
        {
            return false;
        }
        if (present.Count == 0 && expected.Count == 0)
            return true;
        var found = present.Where(CanApply).ToArray();
        var wanted = expected.Where(CanApply).ToArray();
        return found.Length == wanted.Length && found.Zip(wanted).All(pair =>
            pair.First.Name.AsSpan().SequenceEqual(pair.Second.Name) && pair.First.Value.AsSpan().SequenceEqual(pair.Second.Value));
    }

    private bool CanApply(Xattr xattr) => IsPrivileged || xattr.Name.AsSpan().StartsWith("user."u8);
}
