using System.Globalization;
using System.Text;
using ContentTree.Store;
using ContentTree.Store.Local;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Deploy.Configurations;

/// <summary>
/// <c>data/configuration/</c>: a directory for each configuration and the link <c>current</c>, which leads to one that is complete and on
/// disk, whenever the power goes. A directory never changes once the link has led to it.
/// </summary>
internal sealed class ConfigurationDirectory(DeviceRoot root)
{
    private const int Everybody = 0x1ed;
    private const int MaxFileBytes = 1 << 20;

    private static ReadOnlySpan<byte> Current => "current"u8;

    private static ReadOnlySpan<byte> NewDirectory => ".new"u8;

    private static ReadOnlySpan<byte> NewLink => ".new-current"u8;

    private string DirectoryPath => root.Configuration;

    /// <summary>Where the link leads; null when there is none, or nothing where it leads.</summary>
    public string? CurrentPath => Path.Combine(DirectoryPath, "current") is var link && Directory.Exists(link) ? Path.Combine(DirectoryPath, new FileInfo(link).LinkTarget ?? "current") : null;

    /// <summary>The files that the link leads to; none when it leads nowhere.</summary>
    public IReadOnlyDictionary<string, ConfigurationFile> Read()
    {
        if (CurrentPath is not { } path)
            return new Dictionary<string, ConfigurationFile>();
        return Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).ToDictionary(file => Path.GetRelativePath(path, file), ReadFile, StringComparer.Ordinal);
    }

    /// <summary>Puts a configuration in the place of the present one, all at once.</summary>
    public void Write(long counter, IReadOnlyDictionary<string, ConfigurationFile> files)
    {
        using var data = Posix.OpenDirectory(root.Data);
        DurableFiles.EnsureDirectory(data, Encoding.ASCII.GetBytes(Path.GetFileName(DirectoryPath)), Everybody);
        Posix.Fsync(data, root.Data);
        using var directory = Posix.OpenDirectory(DirectoryPath);
        Posix.SetPermissions(directory, Everybody, DirectoryPath);
        RemoveUnfinished(directory);
        WriteFiles(directory, files);
        var name = FreeName(directory, counter);
        Posix.RenameAt(directory, NewDirectory, directory, name);
        // The directory first: a link that leads nowhere is what no power cut may leave.
        Posix.Fsync(directory, DirectoryPath);
        Posix.SymlinkAt(name, directory, NewLink);
        Posix.RenameAt(directory, NewLink, directory, Current);
        Posix.Fsync(directory, DirectoryPath);
    }

    /// <summary>Removes what the link has led to before: old secrets too.</summary>
    public void Collect()
    {
        if (!Directory.Exists(DirectoryPath) || CurrentPath is not { } current)
            return;
        using var directory = Posix.OpenDirectory(DirectoryPath);
        foreach (var (name, _) in Posix.ReadDirectory(directory, DirectoryPath))
        {
            if (!name.AsSpan().SequenceEqual(Current) && Encoding.UTF8.GetString(name) != Path.GetFileName(current))
                TreeCheckout.Remove(directory, name);
        }
    }

    private static void WriteFiles(SafeFileHandle parent, IReadOnlyDictionary<string, ConfigurationFile> files)
    {
        Posix.MakeDirectoryAt(parent, NewDirectory, Everybody);
        using var top = OpenForEverybody(parent, NewDirectory);
        var folder = Encoding.ASCII.GetBytes(ConfigurationFiles.Values);
        Posix.MakeDirectoryAt(top, folder, Everybody);
        using var values = OpenForEverybody(top, folder);
        foreach (var (path, file) in files)
        {
            var isValue = Path.GetDirectoryName(path) is { Length: > 0 };
            var name = Encoding.ASCII.GetBytes(Path.GetFileName(path));
            using var handle = Posix.CreateAt(isValue ? values : top, name, file.Permissions);
            Posix.SetPermissions(handle, file.Permissions, path);
            Posix.Write(handle, file.Content, path);
            Posix.Fsync(handle, path);
        }
        Posix.Fsync(values, ConfigurationFiles.Values);
        Posix.Fsync(top, Posix.Display(NewDirectory));
    }

    // Whatever the umask is.
    private static SafeFileHandle OpenForEverybody(SafeFileHandle parent, ReadOnlySpan<byte> name)
    {
        var handle = Posix.OpenDirectoryAt(parent, name);
        Posix.SetPermissions(handle, Everybody, Posix.Display(name));
        return handle;
    }

    private static void RemoveUnfinished(SafeFileHandle directory)
    {
        if (Posix.StatAt(directory, NewDirectory) is not null)
            TreeCheckout.Remove(directory, NewDirectory.ToArray());
        if (Posix.StatAt(directory, NewLink) is not null)
            Posix.UnlinkAt(directory, NewLink);
    }

    // A second one of a number is there after a crash before the link, or when somebody has changed the first.
    private static byte[] FreeName(SafeFileHandle directory, long counter)
    {
        for (var tries = 0; ; tries++)
        {
            var name = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{counter}{(tries == 0 ? "" : $"-{tries}")}"));
            if (Posix.StatAt(directory, name) is null)
                return name;
        }
    }

    private static ConfigurationFile ReadFile(string path)
    {
        using var file = Posix.OpenForReading(path);
        var stat = Posix.Stat(file, path);
        if (stat.Size > MaxFileBytes)
            return new ConfigurationFile([], 0);
        var content = new byte[stat.Size];
        return new ConfigurationFile(content[..Posix.ReadFull(file, content, path)], stat.Permissions);
    }
}
