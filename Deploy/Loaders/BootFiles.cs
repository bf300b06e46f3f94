using System.Text;
using ContentTree.BootFile;
using ContentTree.Store;
using ContentTree.Store.Local;

namespace ContentTree.Deploy.Loaders;

/// <summary>The files of the boot partition, by names below the boot directory. What is written is durable and was read back.</summary>
internal sealed class BootFiles(string directory)
{
    private const int MaxRead = 1 << 16;

    public string PathOf(string name) => Path.Combine(directory, name);

    public string? ReadText(string name) => Read(name) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

    /// <summary>Null when there is no such file.</summary>
    public byte[]? Read(string name)
    {
        if (!Directory.Exists(Path.GetDirectoryName(PathOf(name))))
            return null;
        using var parent = Posix.OpenDirectory(Path.GetDirectoryName(PathOf(name))!);
        return DurableFiles.TryRead(parent, Name(name), MaxRead);
    }

    /// <summary>Names of what is in a directory; none when it is missing.</summary>
    public IReadOnlyList<string> List(string name)
    {
        if (!Directory.Exists(PathOf(name)))
            return [];
        using var parent = Posix.OpenDirectory(PathOf(name));
        return [.. Posix.ReadDirectory(parent, PathOf(name)).Select(entry => Posix.Display(entry.Name)).Order(StringComparer.Ordinal)];
    }

    /// <summary>Makes or replaces a file as a whole, unless it is so already.</summary>
    public void Put(string name, byte[] content)
    {
        if (Read(name) is { } present && present.AsSpan().SequenceEqual(content))
            return;
        using (var parent = Posix.OpenDirectory(MakeDirectory(Path.GetDirectoryName(name)!)))
            DurableFiles.Replace(parent, Name(name), content);
        if (Read(name) is not { } written || !written.AsSpan().SequenceEqual(content))
            throw new IOException($"{PathOf(name)} does not read back as written");
    }

    /// <summary>Overwrites the start of a file in place, which is made first if there is none: FAT loses renamed files to a power cut.</summary>
    public void Point(LoaderPointer pointer)
    {
        if (!(Read(pointer.File)?.Length >= pointer.Block.Length))
            Put(pointer.File, pointer.Block.ToArray());
        pointer.Write(directory);
    }

    public void Rename(string from, string to)
    {
        using var parent = Posix.OpenDirectory(Path.GetDirectoryName(PathOf(from))!);
        Posix.RenameAt(parent, Name(from), parent, Name(to));
        Posix.Fsync(parent, PathOf(to));
    }

    /// <summary>Removes a file or a directory with all that is in it.</summary>
    public void Remove(string name)
    {
        if (!Directory.Exists(Path.GetDirectoryName(PathOf(name))))
            return;
        using var parent = Posix.OpenDirectory(Path.GetDirectoryName(PathOf(name))!);
        TreeCheckout.Remove(parent, Name(name));
        Posix.Fsync(parent, PathOf(name));
    }

    /// <summary>Removes what a kill left in a directory of files that were being written.</summary>
    public void RemoveLeftovers(string name)
    {
        if (Directory.Exists(PathOf(name)))
            DurableFiles.RemoveTemporaries(PathOf(name));
    }

    /// <summary>Makes a directory and those above it, and returns its path.</summary>
    public string MakeDirectory(string name)
    {
        var path = directory;
        foreach (var segment in name.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            using (var parent = Posix.OpenDirectory(path))
            {
                DurableFiles.EnsureDirectory(parent, Encoding.ASCII.GetBytes(segment), 0x1ed);
                Posix.Fsync(parent, path);
            }
            path = Path.Combine(path, segment);
        }
        return path;
    }

    /// <summary>Brings what was written to where loaders look for it: they read no journal.</summary>
    public void Settle()
    {
        using var top = Posix.OpenDirectory(directory);
        Posix.TryEmptyJournal(top);
    }

    private static byte[] Name(string path) => Encoding.ASCII.GetBytes(Path.GetFileName(path));
}
