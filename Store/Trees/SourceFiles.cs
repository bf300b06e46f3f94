using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Trees;

/// <summary>Reads the files in which a source directory speaks of itself.</summary>
internal static class SourceFiles
{
    private static readonly byte[] IgnoreFile = System.Text.Encoding.ASCII.GetBytes(IgnoreRules.FileName);
    private static readonly byte[] OwnDirectory = System.Text.Encoding.ASCII.GetBytes(MetadataRules.DirectoryName);
    private static readonly byte[] MetadataFile = System.Text.Encoding.ASCII.GetBytes(MetadataRules.FileName);

    /// <exception cref="FormatException">A line of it is wrong.</exception>
    public static MetadataRules ReadMetadata(SafeFileHandle root)
    {
        if (Posix.StatAt(root, OwnDirectory) is not { Type: FileType.Directory })
            return MetadataRules.None;
        using var own = Posix.OpenDirectoryAt(root, OwnDirectory);
        return Posix.StatAt(own, MetadataFile) is { Type: FileType.Regular }
            ? MetadataRules.Parse(Read(own, MetadataFile, MetadataRules.MaxFileBytes))
            : MetadataRules.None;
    }

    /// <summary>The directory's list of what is left out; null when it has none.</summary>
    public static byte[]? ReadIgnored(SafeFileHandle directory, List<(byte[] Name, FileType? Type)> found) =>
        found.Exists(entry => entry.Name.AsSpan().SequenceEqual(IgnoreFile)) && Posix.StatAt(directory, IgnoreFile) is { Type: FileType.Regular }
            ? Read(directory, IgnoreFile, IgnoreRules.MaxFileBytes)
            : null;

    private static byte[] Read(SafeFileHandle directory, byte[] name, int maxBytes)
    {
        var subject = Posix.Display(name);
        using var file = Posix.OpenForReadingAt(directory, name);
        var size = Posix.Stat(file, subject).Size;
        if (size > maxBytes)
            throw new UnsupportedSourceException(subject, $"has more than {maxBytes} bytes");
        var bytes = new byte[size];
        return bytes[..Posix.ReadFull(file, bytes, subject)];
    }
}
