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
        {
            FatFiles.Replace(parent, Name(name), content);
            using var file = Posix.OpenForReadingAt(parent, Name(name));
            Posix.DropCached(file);
        }
        if (Read(name) is not { } written || !written.AsSpan().SequenceEqual(content))
            throw new IOException($"{PathOf(name)} does not read back as written");
    }

    /// <summary>Overwrites the start of a file in place, which is made first if there is none. What is decided by it was flushed before.</summary>
    public void Point(LoaderPointer pointer)
    {
        Flush();
        if (!(Read(pointer.File)?.Length >= pointer.Block.Length))
            Put(pointer.File, pointer.Block.ToArray());
        pointer.Write(directory);
    }

    /// <summary>Removes a file or a directory with all that is in it.</summary>
    public void Remove(string name)
    {
        if (!Directory.Exists(Path.GetDirectoryName(PathOf(name))))
            return;
        using var parent = Posix.OpenDirectory(Path.GetDirectoryName(PathOf(name))!);
        FatFiles.Remove(parent, Name(name));
    }

    /// <summary>Removes what a kill left in a directory of files that were being written.</summary>
    public void RemoveLeftovers(string name)
    {
        foreach (var file in List(name).Where(file => DurableFiles.IsTemporary(Encoding.UTF8.GetBytes(file))))
            Remove(Path.Combine(name, file));
    }

    /// <summary>Makes a directory and those above it, and returns its path.</summary>
    public string MakeDirectory(string name)
    {
        var path = directory;
        foreach (var segment in name.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            var made = Path.Combine(path, segment);
            if (!Directory.Exists(made))
            {
                using var parent = Posix.OpenDirectory(path);
                FatFiles.MakeDirectory(parent, Encoding.ASCII.GetBytes(segment));
            }
            path = made;
        }
        return path;
    }

    /// <summary>Brings what was written to where loaders look for it, durably: they read no journal.</summary>
    public void Settle()
    {
        Flush();
        using var top = Posix.OpenDirectory(directory);
        Posix.TryEmptyJournal(top);
    }

    private void Flush()
    {
        using var top = Posix.OpenDirectory(directory);
        Posix.SyncFilesystem(top, directory);
        // On FAT syncfs writes, and leaves it in the disk's own memory.
        Posix.Fsync(top, directory);
    }

    private static byte[] Name(string path) => Encoding.ASCII.GetBytes(Path.GetFileName(path));
}
