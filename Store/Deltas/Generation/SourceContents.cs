using System.Collections.Concurrent;
using ContentTree.Store.Codecs;
using ContentTree.Store.Deltas.Plans;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Deltas.Generation;

/// <summary>
/// Contents of a repository at random access, unpacked where that is wanted. Small ones are read into memory; large ones and
/// unpacked ones are written once into the working directory. For several threads.
/// </summary>
internal sealed class SourceContents(Repository repository, string workDirectory) : IDisposable
{
    private const long LargeBytes = 4 * 1024 * 1024;
    private const long MaxUnpackedBytes = 256L * 1024 * 1024;

    // A device packs beside two decoders.
    private const long MaxPackingMemory = 16L * 1024 * 1024;

    private readonly Dictionary<(ObjectId, Type?), Lazy<SafeFileHandle>> _files = [];
    private readonly ConcurrentBag<StoredContent> _readers = [];

    /// <summary>Some bytes of a content.</summary>
    /// <param name="size">Of the object.</param>
    /// <exception cref="CorruptObjectException">The stored object is damaged.</exception>
    public byte[] Read(ObjectId id, long size, Repacking? unpack, long start, long length)
    {
        if (unpack is null && size <= LargeBytes && start == 0 && length == size)
            return ReadWhole(id, size);
        var bytes = GC.AllocateUninitializedArray<byte>((int)length);
        var file = Open(id, size, unpack);
        for (var at = 0; at < bytes.Length;)
        {
            var count = RandomAccess.Read(file, bytes.AsSpan(at), start + at);
            at += count > 0 ? count : throw new CorruptObjectException(new ObjectName(ObjectKind.File, id), "is shorter than its tree says");
        }
        return bytes;
    }

    /// <summary>How long a content is once unpacked; null when it cannot be unpacked.</summary>
    public long? UnpackedSize(ObjectId id, long size, Repacking unpack)
    {
        try
        {
            return RandomAccess.GetLength(Open(id, size, unpack));
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <summary>How a content is packed, proved by doing it; null for what is not or cannot be made again.</summary>
    public PlannedPacking? FindPacking(ObjectId id, long size)
    {
        using var packed = OpenStream(id, size);
        using var unpacked = CreateScratch();
        return new Repacker(MaxUnpackedBytes, MaxPackingMemory).TryDescribe(packed, unpacked) is { } repacking && unpacked.Length > 0
            ? new PlannedPacking(repacking, unpacked.Length, PlannedPacking.CheckOf(id))
            : null;
    }

    public void Dispose()
    {
        foreach (var reader in _readers)
            reader.Dispose();
        foreach (var file in _files.Values.Where(f => f.IsValueCreated))
            file.Value.Dispose();
    }

    private byte[] ReadWhole(ObjectId id, long size)
    {
        var bytes = GC.AllocateUninitializedArray<byte>((int)size);
        var at = 0;
        Decode(id, size, piece =>
        {
            piece.CopyTo(bytes.AsSpan(at));
            at += piece.Length;
        });
        return bytes;
    }

    private delegate void Piece(ReadOnlySpan<byte> bytes);

    private void Decode(ObjectId id, long size, Piece sink)
    {
        if (!_readers.TryTake(out var reader))
            reader = new StoredContent(repository);
        reader.Read(new ObjectName(ObjectKind.File, id), size, piece => sink(piece));
        _readers.Add(reader);
    }

    private MemoryStream OpenStream(ObjectId id, long size) => new(ReadWhole(id, size), writable: false);

    private SafeFileHandle Open(ObjectId id, long size, Repacking? unpack)
    {
        Lazy<SafeFileHandle>? file;
        lock (_files)
        {
            if (!_files.TryGetValue((id, unpack?.GetType()), out file))
                _files.Add((id, unpack?.GetType()), file = new Lazy<SafeFileHandle>(() => Write(id, size, unpack)));
        }
        return file.Value;
    }

    private SafeFileHandle Write(ObjectId id, long size, Repacking? unpack)
    {
        using var packed = unpack is null ? null : OpenStream(id, size);
        var file = CreateScratch();
        if (packed is null)
        {
            Decode(id, size, bytes => file.Write(bytes));
        }
        else
        {
            using var unpacked = unpack!.Unpack(packed, MaxUnpackedBytes);
            unpacked.CopyTo(file);
        }
        file.Flush();
        return file.SafeFileHandle;
    }

    // Nobody needs its name: the space is free again when the process ends, however it ends.
    private FileStream CreateScratch() =>
        new(Path.Combine(workDirectory, $"{Guid.NewGuid():N}.scratch"), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 64 * 1024, FileOptions.DeleteOnClose);
}
