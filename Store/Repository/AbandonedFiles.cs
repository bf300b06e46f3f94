using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Repositories;

/// <summary>
/// Heads and roots are written beside their names first; whoever is killed in between leaves the first half. Nobody reads
/// such a file, so only its age says that nobody will finish it.
/// </summary>
internal static class AbandonedFiles
{
    /// <summary>Removes those of before <paramref name="cutoff"/>, nanoseconds since 1970. The caller keeps publishers out.</summary>
    public static void Sweep(SafeFileHandle root, long cutoff)
    {
        foreach (var name in new[] { "heads"u8.ToArray(), "history"u8.ToArray(), "trust"u8.ToArray() })
        {
            if (Posix.StatAt(root, name)?.Type != FileType.Directory)
                continue;
            using var directory = Posix.OpenDirectoryAt(root, name);
            SweepBelow(directory, cutoff);
        }
    }

    private static void SweepBelow(SafeFileHandle directory, long cutoff)
    {
        foreach (var (name, type) in Posix.ReadDirectory(directory, "heads"))
        {
            if (type == FileType.Directory)
            {
                using var below = Posix.OpenDirectoryAt(directory, name);
                SweepBelow(below, cutoff);
            }
            else if (name.AsSpan().StartsWith(DurableFiles.TemporaryPrefix) && Posix.StatAt(directory, name) is { Type: FileType.Regular } stat &&
                stat.ModifiedNanoseconds <= cutoff)
            {
                Posix.UnlinkAt(directory, name);
            }
        }
    }
}
