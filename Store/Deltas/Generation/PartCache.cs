using System.Buffers.Binary;
using ContentTree.Store.Objects;

namespace ContentTree.Store.Deltas.Generation;

/// <summary>
/// Coded parts in a directory that may be emptied at any time, oldest use first when it grows above its quota. One file a part:
/// its bytes, and at the end what its header entry says.
/// </summary>
public sealed class PartCache
{
    private const string Suffix = ".part";

    // Codec, memory and checksum.
    private const int TrailerBytes = 1 + 8 + 8;

    private readonly string _path;

    /// <param name="path">Made if it is missing.</param>
    public PartCache(string path)
    {
        _path = path;
        Directory.CreateDirectory(path);
    }

    /// <summary>For contents on their way; whatever is left there is of no use.</summary>
    internal string WorkDirectory => _path;

    /// <summary>Removes the parts that were not used for longest until <paramref name="maxBytes"/> are left.</summary>
    public void Trim(long maxBytes)
    {
        var left = 0L;
        foreach (var file in new DirectoryInfo(_path).EnumerateFiles().OrderByDescending(f => f.LastWriteTimeUtc))
        {
            left += file.Length;
            if (left > maxBytes || !file.Name.EndsWith(Suffix, StringComparison.Ordinal))
                file.Delete();
        }
    }

    /// <summary>The part of that key, coded now unless it is here.</summary>
    internal Entry GetOrAdd(ObjectId key, long outputLength, Func<CodedPart> code)
    {
        var path = Path.Combine(_path, key + Suffix);
        if (TryRead(path, outputLength) is { } known)
        {
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow);
            return known;
        }
        return Write(path, outputLength, code());
    }

    internal static void CopyTo(Entry part, Stream output)
    {
        using var file = File.OpenRead(part.Path);
        var buffer = new byte[64 * 1024];
        for (var left = part.Length; left > 0;)
        {
            var count = file.Read(buffer, 0, (int)Math.Min(buffer.Length, left));
            if (count == 0)
                throw new EndOfStreamException($"{part.Path}: was cut while it was used");
            output.Write(buffer, 0, count);
            left -= count;
        }
    }

    private static Entry Write(string path, long outputLength, CodedPart part)
    {
        var checksum = DeltaHeader.Checksum(part.Bytes);
        Span<byte> trailer = stackalloc byte[TrailerBytes];
        trailer[0] = (byte)part.Codec;
        BinaryPrimitives.WriteInt64LittleEndian(trailer[1..], part.Memory);
        BinaryPrimitives.WriteUInt64LittleEndian(trailer[9..], checksum);
        var temporary = $"{path}.{Guid.NewGuid():N}";
        using (var file = File.Create(temporary))
        {
            file.Write(part.Bytes);
            file.Write(trailer);
        }
        // Not flushed: a part that a power cut tears has a wrong checksum and is coded again.
        File.Move(temporary, path, overwrite: true);
        return new Entry(path, part.Codec, part.Bytes.Length, outputLength, part.Memory, checksum);
    }

    private static Entry? TryRead(string path, long outputLength)
    {
        if (!File.Exists(path))
            return null;
        var bytes = File.ReadAllBytes(path);
        if (bytes.Length < TrailerBytes)
            return null;
        var coded = bytes.AsSpan(0, bytes.Length - TrailerBytes);
        var trailer = bytes.AsSpan(coded.Length);
        var checksum = BinaryPrimitives.ReadUInt64LittleEndian(trailer[9..]);
        return DeltaHeader.Checksum(coded) == checksum
            ? new Entry(path, (PartCodec)trailer[0], coded.Length, outputLength, BinaryPrimitives.ReadInt64LittleEndian(trailer[1..]), checksum)
            : null;
    }

    /// <summary>A part in the cache, with what the delta's header says of it.</summary>
    internal sealed record Entry(string Path, PartCodec Codec, long Length, long OutputLength, long Memory, ulong Checksum);
}
