using System.Buffers.Binary;
using System.Security.Cryptography;
using ContentTree.Store.Objects;

namespace ContentTree.Store.Deltas.Generation;

/// <summary>
/// Coded parts in a directory that may be emptied at any time, oldest use first when it grows above its quota. One file a part:
/// its bytes, and at the end what its header entry says.
/// </summary>
public sealed class PartCache
{
    private const string Suffix = ".part";
    private const string BegunSuffix = ".begun";

    // Codec, memory and checksum.
    private const int TrailerBytes = 1 + 8 + 8;

    // How exactly uses are remembered: each writes an inode.
    private static readonly TimeSpan UseGrain = TimeSpan.FromHours(1);

    private readonly string _path;

    /// <param name="path">Made if it is missing.</param>
    public PartCache(string path)
    {
        _path = path;
        Directory.CreateDirectory(path);
    }

    /// <summary>For contents on their way; whatever is left there is of no use.</summary>
    internal string WorkDirectory => _path;

    /// <summary>Removes the parts that were not used for longest until <paramref name="maxBytes"/> are left. Only while nobody makes a delta with this cache.</summary>
    public void Trim(long maxBytes)
    {
        var left = 0L;
        foreach (var file in new DirectoryInfo(_path).EnumerateFiles('*' + Suffix).OrderByDescending(f => f.LastWriteTimeUtc).ToArray())
        {
            left += file.Length;
            if (left > maxBytes)
                file.Delete();
        }
    }

    /// <summary>Removes what killed processes have begun. Only while nobody makes a delta with this cache.</summary>
    public void RemoveAbandoned()
    {
        foreach (var file in Directory.EnumerateFiles(_path, '*' + BegunSuffix).Concat(Directory.EnumerateFiles(_path, '*' + ScratchFile.Suffix)))
            File.Delete(file);
    }

    /// <summary>The part of that key, coded now unless it is here.</summary>
    internal Entry GetOrAdd(ObjectId key, long outputLength, Func<CodedPart> code)
    {
        var path = Path.Combine(_path, key + Suffix);
        if (TryRead(path, outputLength) is not { } known)
            return Write(path, outputLength, code());
        if (DateTime.UtcNow - File.GetLastWriteTimeUtc(path) > UseGrain)
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow);
        return known;
    }

    internal static void CopyTo(Entry part, Stream output)
    {
        using var file = File.OpenHandle(part.Path);
        new ScratchRegion(file, 0, part.Length).CopyTo(0, part.Length, output.Write);
    }

    private static Entry Write(string path, long outputLength, CodedPart part)
    {
        var temporary = $"{path}.{Guid.NewGuid():N}{BegunSuffix}";
        try
        {
            var checksum = WriteFile(temporary, part);
            // Not flushed: a part that a power cut tears has a wrong checksum and is coded again.
            File.Move(temporary, path, overwrite: true);
            return new Entry(path, part.Codec, part.Bytes.Length, outputLength, part.Memory, checksum, WasKnown: false);
        }
        catch
        {
            // What did not fit must not go on taking space.
            File.Delete(temporary);
            throw;
        }
    }

    private static ulong WriteFile(string path, CodedPart part)
    {
        Span<byte> trailer = stackalloc byte[TrailerBytes];
        using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 1);
        var checksum = CopyTo(part.Bytes, file.Write);
        trailer[0] = (byte)part.Codec;
        BinaryPrimitives.WriteInt64LittleEndian(trailer[1..], part.Memory);
        BinaryPrimitives.WriteUInt64LittleEndian(trailer[9..], checksum);
        file.Write(trailer);
        return checksum;
    }

    private static Entry? TryRead(string path, long outputLength)
    {
        if (!File.Exists(path))
            return null;
        using var file = File.OpenHandle(path);
        var length = RandomAccess.GetLength(file) - TrailerBytes;
        if (length < 0)
            return null;
        Span<byte> trailer = stackalloc byte[TrailerBytes];
        new ScratchRegion(file, length, TrailerBytes).Read(0, trailer);
        var checksum = CopyTo(new ScratchRegion(file, 0, length), static _ => { });
        return checksum == BinaryPrimitives.ReadUInt64LittleEndian(trailer[9..])
            ? new Entry(path, (PartCodec)trailer[0], length, outputLength, BinaryPrimitives.ReadInt64LittleEndian(trailer[1..]), checksum, WasKnown: true)
            : null;
    }

    private static ulong CopyTo(ScratchRegion bytes, Action<ReadOnlySpan<byte>> sink)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        bytes.CopyTo(0, bytes.Length, piece =>
        {
            hash.AppendData(piece);
            sink(piece);
        });
        return BinaryPrimitives.ReadUInt64LittleEndian(hash.GetHashAndReset());
    }

    /// <summary>A part in the cache, with what the delta's header says of it.</summary>
    internal sealed record Entry(string Path, PartCodec Codec, long Length, long OutputLength, long Memory, ulong Checksum, bool WasKnown);
}
