using System.Buffers;
using System.Security.Cryptography;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Local;

/// <summary>Hashes a file from its present position to its end, in bounded memory.</summary>
internal static class ContentHash
{
    private const int BufferBytes = 256 * 1024;

    public static ObjectId Of(SafeFileHandle file, string subject)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            var first = Posix.ReadFull(file, buffer.AsSpan(0, BufferBytes), subject);
            if (first < BufferBytes)
                return ObjectId.Of(buffer.AsSpan(0, first));
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            for (var count = first; count > 0; count = Posix.ReadFull(file, buffer.AsSpan(0, BufferBytes), subject))
                hash.AppendData(buffer, 0, count);
            return new ObjectId(hash.GetHashAndReset());
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
