using System.Security.Cryptography;
using System.Text;
using ContentTree.Store;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Tests.Crash;

/// <summary>Everything in a directory as text, found without the code that is on trial: paths, owners, modes, times, contents.</summary>
internal static class TreeDigest
{
    public static string Of(string path)
    {
        if (!Directory.Exists(path))
            return "nothing";
        using var directory = Posix.OpenDirectory(path);
        var lines = new List<string>();
        Visit(directory, "", lines);
        return string.Join('\n', lines.Order(StringComparer.Ordinal));
    }

    private static void Visit(SafeFileHandle directory, string path, List<string> lines)
    {
        foreach (var (name, _) in Posix.ReadDirectory(directory, path))
        {
            var full = $"{path}/{Encoding.UTF8.GetString(name)}";
            if (Posix.StatAt(directory, name) is not { } stat)
                continue;
            lines.Add($"{full} {stat.Type} {stat.Permissions:x} {stat.Uid}:{stat.Gid} {stat.ModifiedNanoseconds} {Content(directory, name, stat)}");
            if (stat.Type != FileType.Directory)
                continue;
            using var child = Posix.OpenDirectoryAt(directory, name);
            Visit(child, full, lines);
        }
    }

    private static string Content(SafeFileHandle directory, byte[] name, FileStat stat)
    {
        switch (stat.Type)
        {
            case FileType.Symlink:
                return Encoding.UTF8.GetString(Posix.ReadLinkAt(directory, name));
            case FileType.Regular:
                using (var file = Posix.OpenForReadingAt(directory, name))
                using (var stream = new FileStream(file, FileAccess.Read))
                    return Convert.ToHexStringLower(SHA256.HashData(stream));
            default:
                return "";
        }
    }
}
