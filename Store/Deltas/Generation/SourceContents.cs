using System.Collections.Concurrent;
using ContentTree.Store.Codecs;
using ContentTree.Store.Deltas.Plans;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;

namespace ContentTree.Store.Deltas.Generation;

/// <summary>
/// Contents of a repository, unpacked where that is wanted. Large ones and unpacked ones are written once into scratch files, so
/// that stretches of them can be had. For several threads.
/// </summary>
internal sealed class SourceContents(Repository repository, string workDirectory, PackingProofs proofs) : IDisposable
{
    private const long LargeBytes = 4 * 1024 * 1024;
    private const long MaxUnpackedBytes = 256L * 1024 * 1024;

    // A device packs beside two decoders.
    private const long MaxPackingMemory = 16L * 1024 * 1024;

    // The first bytes of gzip and xz.
    private const int MagicBytes = 2;

    private readonly Dictionary<(ObjectId, Type?), Lazy<ScratchRegion>> _kept = [];
    private readonly ConcurrentBag<StoredContent> _readers = [];
    private readonly ConcurrentBag<ScratchFile> _keeping = [];
    private readonly ConcurrentBag<ScratchFile> _passing = [];

    /// <summary>Appends some bytes of a content.</summary>
    /// <param name="size">Of the object.</param>
    /// <exception cref="CorruptObjectException">The stored object is damaged.</exception>
    public void CopyTo(ScratchFile target, ObjectId id, long size, Repacking? unpack, long start, long length)
    {
        if (unpack is null && size <= LargeBytes && start == 0 && length == size)
            Read(id, size, target.Append);
        else
            Keep(id, size, unpack).CopyTo(start, length, target.Append);
    }

    /// <summary>Reads a whole content, as it is packed.</summary>
    /// <exception cref="CorruptObjectException">The stored object is damaged.</exception>
    public void Read(ObjectId id, long size, Action<ReadOnlySpan<byte>> sink)
    {
        var reader = TakeReader();
        reader.Read(new ObjectName(ObjectKind.File, id), size, sink);
        _readers.Add(reader);
    }

    /// <summary>How long a content is once unpacked; null when it cannot be unpacked.</summary>
    public long? UnpackedSize(ObjectId id, long size, Repacking unpack)
    {
        try
        {
            return Keep(id, size, unpack).Length;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <summary>How a content is packed, proved by doing it; null for what is not or cannot be made again.</summary>
    public PlannedPacking? FindPacking(ObjectId id, long size)
    {
        if (proofs.TryGet(id, out var known))
            return known;
        if (!MayBePacked(id))
            return null;
        var packing = Prove(id, size);
        proofs.Add(id, packing);
        return packing;
    }

    /// <summary>Whether a content begins like a compressed file.</summary>
    public static bool MayBePacked(StoredContent reader, ObjectId id)
    {
        Span<byte> magic = stackalloc byte[MagicBytes];
        return reader.ReadStart(new ObjectName(ObjectKind.File, id), magic) == MagicBytes && magic is [0x1f, 0x8b] or [0xfd, (byte)'7'];
    }

    public void Dispose()
    {
        foreach (var reader in _readers)
            reader.Dispose();
        foreach (var file in _keeping.Concat(_passing))
            file.Dispose();
    }

    private bool MayBePacked(ObjectId id)
    {
        var reader = TakeReader();
        var isPacked = MayBePacked(reader, id);
        _readers.Add(reader);
        return isPacked;
    }

    private PlannedPacking? Prove(ObjectId id, long size) => Through(_passing, packed => Through(_keeping, keeping =>
    {
        var (begin, start) = (packed.Length, keeping.Length);
        Read(id, size, packed.Append);
        using var content = new ScratchStream(keeping, start);
        var repacking = new Repacker(MaxUnpackedBytes, MaxPackingMemory).TryDescribe(new ScratchStream(packed, begin), content);
        packed.Truncate(begin);
        if (repacking is null || content.Length == 0)
        {
            keeping.Truncate(start);
            return null;
        }
        var region = keeping.From(start);
        lock (_kept)
            _kept.TryAdd((id, repacking.GetType()), new Lazy<ScratchRegion>(region));
        return new PlannedPacking(repacking, region.Length, PlannedPacking.CheckOf(id));
    }));

    private ScratchRegion Keep(ObjectId id, long size, Repacking? unpack)
    {
        Lazy<ScratchRegion>? region;
        lock (_kept)
        {
            if (!_kept.TryGetValue((id, unpack?.GetType()), out region))
                _kept.Add((id, unpack?.GetType()), region = new Lazy<ScratchRegion>(() => unpack is null ? Store(id, size) : Unpack(id, size, unpack)));
        }
        return region.Value;
    }

    private ScratchRegion Store(ObjectId id, long size) => Through(_keeping, keeping =>
    {
        var start = keeping.Length;
        Read(id, size, keeping.Append);
        return keeping.From(start);
    });

    private ScratchRegion Unpack(ObjectId id, long size, Repacking unpack) => Through(_passing, packed => Through(_keeping, keeping =>
    {
        var (begin, start) = (packed.Length, keeping.Length);
        Read(id, size, packed.Append);
        try
        {
            using var unpacked = unpack.Unpack(new ScratchStream(packed, begin), MaxUnpackedBytes);
            unpacked.CopyTo(new ScratchStream(keeping, start));
            return keeping.From(start);
        }
        catch (FormatException)
        {
            keeping.Truncate(start);
            throw;
        }
        finally
        {
            packed.Truncate(begin);
        }
    }));

    private StoredContent TakeReader() => _readers.TryTake(out var reader) ? reader : new StoredContent(repository);

    // Each thread has a file for itself meanwhile; what stays in it stays for all.
    private T Through<T>(ConcurrentBag<ScratchFile> idle, Func<ScratchFile, T> use)
    {
        if (!idle.TryTake(out var file))
            file = new ScratchFile(workDirectory);
        try
        {
            return use(file);
        }
        finally
        {
            idle.Add(file);
        }
    }
}
