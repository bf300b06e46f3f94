using System.Text;
using System.Text.RegularExpressions;
using ContentTree.Store;

namespace ContentTree.Server.Storage;

/// <summary>Changes <c>server.conf</c> where the program itself has to: where the database and the objects are. All other lines stay as they are.</summary>
internal static partial class SettingsFile
{
    private const int MaxBytes = 1 << 20;
    private const int AnybodyReads = 0x1a4;
    private const int OwnerOnly = 0x180;

    private static ReadOnlySpan<byte> Name => "server.conf"u8;

    private static ReadOnlySpan<byte> Temporary => ".new-server.conf"u8;

    /// <summary>Names the database or the objects' place from now on, in one durable step.</summary>
    /// <param name="key">One of <see cref="ServerSettings.DatabaseKey"/> and <see cref="ServerSettings.ObjectsKey"/>.</param>
    /// <param name="address">Null for what is in the directory: the line stays as a comment, without its password.</param>
    public static void Write(string dataPath, string key, string? address)
    {
        using var root = Posix.OpenDirectory(dataPath);
        var content = Without(DurableFiles.TryRead(root, Name, MaxBytes) ?? [], key);
        if (address is not null)
            content = [.. content, .. Encoding.UTF8.GetBytes($"{key} = {address}\n")];
        var present = Posix.StatAt(root, Name);
        // An address may hold a password, and whoever serves must go on being able to read it.
        var mayHoldPassword = address is not null && key == ServerSettings.DatabaseKey;
        DurableFiles.Replace(root, Temporary, content, mayHoldPassword ? OwnerOnly : present?.Permissions ?? AnybodyReads);
        if (present is { } owned && Posix.StatAt(root, Temporary) is { } made && (owned.Uid, owned.Gid) != (made.Uid, made.Gid))
            Posix.SetOwnerAt(root, Temporary, owned.Uid, owned.Gid);
        Posix.RenameAt(root, Temporary, root, Name);
        Posix.Fsync(root, dataPath);
    }

    /// <summary>The same settings for a server that has its database and its objects in its directory; no password is in them any more.</summary>
    public static byte[] WithoutPlaces(byte[] content) => Without(Without(content, ServerSettings.DatabaseKey), ServerSettings.ObjectsKey);

    private static byte[] Without(byte[] content, string key)
    {
        var lines = Encoding.UTF8.GetString(content).Split('\n');
        if (lines[^1].Length == 0)
            lines = lines[..^1];
        return Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => $"{(IsOf(line, key) ? $"# {Password().Replace(line, "@")}" : line)}\n")));
    }

    private static bool IsOf(string line, string key) => line.Split('#')[0].Split('=')[0].Trim() == key;

    // Everything between the name of the user and the last '@' before the host.
    [GeneratedRegex("(?<=//[^:@/]*):.*@")]
    private static partial Regex Password();
}
