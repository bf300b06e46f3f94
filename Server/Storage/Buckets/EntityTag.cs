using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Storage.Buckets;

/// <summary>
/// What S3 calls a version that was put: the MD5 of its bytes, or of the MD5s of its parts and their number. Buckets with encryption keys of their own
/// call it something else, and then nothing is the same.
/// </summary>
internal static class EntityTag
{
    private const int PieceBytes = 1024 * 1024;

    /// <param name="partBytes">How long each part but the last one was; <see cref="long.MaxValue"/> for what was put at once.</param>
    public static string Of(SafeFileHandle file, long size, long partBytes)
    {
        if (partBytes == long.MaxValue)
            return Convert.ToHexStringLower(HashOf(file, 0, size));
        using var all = Begin();
        var parts = 0;
        for (long at = 0; at < size; at += partBytes, parts++)
            all.AppendData(HashOf(file, at, Math.Min(partBytes, size - at)));
        return string.Create(CultureInfo.InvariantCulture, $"{Convert.ToHexStringLower(all.GetHashAndReset())}-{parts}");
    }

    private static byte[] HashOf(SafeFileHandle file, long start, long length)
    {
        using var content = new FileSlice(file, start, length);
        using var hash = Begin();
        var buffer = new byte[(int)Math.Min(PieceBytes, Math.Max(1, length))];
        for (int count; (count = content.Read(buffer)) > 0;)
            hash.AppendData(buffer, 0, count);
        return hash.GetHashAndReset();
    }

    // Not for safety: objects are known by their SHA-256, which no listing tells.
    private static IncrementalHash Begin() => IncrementalHash.CreateHash(HashAlgorithmName.MD5);
}
