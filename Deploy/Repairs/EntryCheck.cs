using System.Security.Cryptography;
using ContentTree.Store;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Deploy.Repairs;

/// <summary>
/// Compares one name with its tree entry. A file is read only when it is not the store's own inode; that inode is the store's to check.
/// </summary>
internal sealed class EntryCheck(LocalStore store)
{
    private const long ModifiedNanoseconds = Tree.ModifiedSeconds * 1_000_000_000;

    /// <summary>Null when all is well. A directory is not looked into.</summary>
    public string? Problem(SafeFileHandle directory, TreeEntry expected)
    {
        var name = expected.Name.Bytes;
        if (Posix.StatAt(directory, name) is not { } stat)
            return expected is TreeEntry.Device && !store.Inodes.IsPrivileged ? null : "is missing";
        if (stat.Type != TypeOf(expected))
            return $"is a {Word(stat.Type)}, not a {Word(TypeOf(expected))}";
        return expected switch
        {
            TreeEntry.File file => FileProblem(directory, file, stat),
            TreeEntry.Symlink link when !Posix.ReadLinkAt(directory, name).AsSpan().SequenceEqual(link.Target) => "leads elsewhere",
            TreeEntry.Symlink link => InodeProblem(directory, name, stat, link.Metadata),
            TreeEntry.Device device when (stat.RdevMajor, stat.RdevMinor) != (device.Major, device.Minor) => "is another device",
            TreeEntry.Device device => InodeProblem(directory, name, stat, device.Metadata),
            TreeEntry.Fifo fifo => InodeProblem(directory, name, stat, fifo.Metadata),
            _ => null,
        };
    }

    /// <summary>Owner, mode, attributes and time.</summary>
    public string? InodeProblem(SafeFileHandle directory, ReadOnlySpan<byte> name, in FileStat stat, Metadata expected) =>
        stat.ModifiedNanoseconds != ModifiedNanoseconds ? "was written to" : store.Inodes.DifferenceAt(directory, name, stat, expected);

    private string? FileProblem(SafeFileHandle directory, TreeEntry.File file, in FileStat stat)
    {
        if (stat.Size != file.Size)
            return $"has {stat.Size} bytes, not {file.Size}";
        if (InodeProblem(directory, file.Name.Bytes, stat, file.Metadata) is { } problem)
            return problem;
        // A copy of its own is in order: it was made when the inode had all the links it can have.
        var isStored = file.Size == 0 || store.StatOf(new StoredFile(file.Id, file.Metadata.Digest()))?.Inode == stat.Inode;
        return isStored || HasContent(directory, file) ? null : "has another content";
    }

    /// <summary>Whether a name has the content that its tree says.</summary>
    public static bool HasContent(SafeFileHandle directory, TreeEntry.File file)
    {
        using var handle = Posix.OpenForReadingAt(directory, file.Name.Bytes);
        using var stream = new FileStream(handle, FileAccess.Read, bufferSize: 0);
        try
        {
            return new ObjectId(SHA256.HashData(stream)) == file.Id;
        }
        // A sealed file that has changed, or a block that the disk cannot read any more: what is mended is mended by a new file.
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>What kind of name an entry makes.</summary>
    public static FileType TypeOf(TreeEntry entry) => entry switch
    {
        TreeEntry.File => FileType.Regular,
        TreeEntry.Symlink => FileType.Symlink,
        TreeEntry.Directory => FileType.Directory,
        TreeEntry.Device device => device.IsBlock ? FileType.BlockDevice : FileType.CharacterDevice,
        _ => FileType.Fifo,
    };

    private static string Word(FileType type) => type switch
    {
        FileType.Regular => "file",
        FileType.Symlink => "symlink",
        FileType.Directory => "directory",
        FileType.BlockDevice => "block device",
        FileType.CharacterDevice => "character device",
        FileType.Fifo => "named pipe",
        _ => "socket",
    };
}
