using System.Text;
using ContentTree.BootFile;

namespace ContentTree.BootSelector;

/// <summary>Small text files of the selector's own: what it did, its log, the units it drops.</summary>
internal static class SmallFile
{
    private const int MaxRead = 1 << 16;

    /// <summary>The file's text, or "" when it is missing, no regular file or larger than 64 KiB.</summary>
    public static string Read(string path) => RegularFile.TryReadAll(path, MaxRead) is { } bytes ? Encoding.UTF8.GetString(bytes) : "";

    /// <summary>Replaces the file as a whole; its directory is made when it is missing.</summary>
    /// <exception cref="IOException">It could not be written.</exception>
    public static void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path) ?? "/");
        var temporary = path + ".new";
        using (var file = RegularFile.Open(temporary, Kernel.O_WRONLY | Kernel.O_CREAT | Libc.O_TRUNC))
        {
            file.SetMode(0x1a4); // 0644
            file.Overwrite(Encoding.UTF8.GetBytes(text));
            file.Flush();
        }
        Libc.Check(Libc.rename(temporary, path), "cannot replace", path);
    }
}
