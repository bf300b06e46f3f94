using System.Text;
using ContentTree.Store;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trees;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Deploy.Deployments;

/// <summary>
/// What a tree needs to be the root of a system, and what it must not bring. A tree is one if it has <c>usr</c>, <c>bin</c> or
/// <c>sbin</c>; anything else is an application's directory and stays exactly as it was published.
/// </summary>
internal static class RootFilesystem
{
    private const int MaxFstabBytes = 1 << 20;
    private const int DirectoryMode = 0x1ed;
    private const int TemporaryMode = 0x3ff;

    private static readonly string[] Signs = ["usr", "bin", "sbin"];
    private static readonly string[] MountPoints = ["ctree", "proc", "sys", "dev", "run", "tmp", "var", "etc"];

    public static bool IsOne(Tree tree) => Signs.Any(name => tree.Find(EntryName.Create(name)) is not null);

    /// <summary>Makes the directories that a read-only root is mounted over, and those of the data. The tree's own ones stay as they are.</summary>
    /// <exception cref="StoppedException">Something else has such a name.</exception>
    public static void AddMountPoints(SafeFileHandle parent, ReadOnlySpan<byte> name, IReadOnlyList<string> dataPaths)
    {
        using (var root = Posix.OpenDirectoryAt(parent, name))
        {
            foreach (var point in MountPoints)
                AddMountPoint(root, point);
            foreach (var path in dataPaths)
                AddMountPoint(root, path.Split('/'));
        }
        // Adding entries changed the time, and every path has the same one.
        Posix.SetTimesAt(parent, name, Tree.ModifiedSeconds);
    }

    /// <summary>Whether a name in a deployment's root may have been added by <see cref="AddMountPoints"/>.</summary>
    public static bool IsMountPoint(ReadOnlySpan<byte> name) => MountPoints.Contains(Encoding.ASCII.GetString(name));

    /// <exception cref="StoppedException">The tree's fstab would make the root writable.</exception>
    public static void RequireReadOnlyRoot(LocalStore store, CompleteCommit commit)
    {
        if (ReadFstab(store, commit.Commit.Tree) is not { } fstab)
            return;
        foreach (var line in fstab.Split('\n'))
        {
            if (line.TrimStart().StartsWith('#') || line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) is not [_, "/", _, var options, ..])
                continue;
            // The kernel takes the last one of the two; without either, mounting means writable.
            if (options.Split(',').LastOrDefault(option => option is "ro" or "rw") != "ro")
            {
                throw new StoppedException(ExitCode.Held,
                    $"commit {commit.Id}: its /etc/fstab would remount the root writable ('{line.Trim()}'), and then files that all deployments share could be changed; publish it with 'ro' or without that line");
            }
        }
    }

    private static void AddMountPoint(SafeFileHandle root, string name)
    {
        var bytes = Encoding.UTF8.GetBytes(name);
        if (Posix.StatAt(root, bytes) is { } stat)
        {
            if (stat.Type != FileType.Directory && !(name == "tmp" && stat.Type == FileType.Symlink))
                throw new StoppedException(ExitCode.Held, $"the tree's /{name} is not a directory, so nothing can be mounted there");
            return;
        }
        Posix.MakeDirectoryAt(root, bytes, DirectoryMode);
        Posix.SetPermissionsAt(root, bytes, name == "tmp" ? TemporaryMode : DirectoryMode);
        Posix.SetTimesAt(root, bytes, Tree.ModifiedSeconds);
    }

    private static void AddMountPoint(SafeFileHandle directory, ReadOnlySpan<string> path)
    {
        var bytes = Encoding.UTF8.GetBytes(path[0]);
        AddMountPoint(directory, path[0]);
        if (path.Length == 1)
            return;
        // The tree gives a directory it has no time of its own either.
        using (var below = Posix.OpenDirectoryAt(directory, bytes))
            AddMountPoint(below, path[1..]);
        Posix.SetTimesAt(directory, bytes, Tree.ModifiedSeconds);
    }

    private static string? ReadFstab(LocalStore store, ObjectId root)
    {
        try
        {
            if (TreePath.Find(store.ReadTree, root, "etc/fstab") is not TreeEntry.File { Size: > 0 } file)
                return null;
            if (file.Size > MaxFstabBytes)
                throw new StoppedException(ExitCode.Held, $"the tree's /etc/fstab has {file.Size} bytes");
            using var handle = store.OpenFile(new StoredFile(file.Id, file.Metadata.Digest()));
            var bytes = new byte[file.Size];
            Posix.ReadFull(handle, bytes, "etc/fstab");
            return Encoding.UTF8.GetString(bytes);
        }
        catch (Store.Repositories.NotFoundException)
        {
            return null;
        }
    }
}
