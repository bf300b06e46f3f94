using System.Buffers;
using ContentTree.Store.Codecs;
using ContentTree.Store.Deltas.Plans;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;

namespace ContentTree.Store.Deltas.Application;

/// <summary>
/// Takes one content as parts make it, whole or in slices, packs it again where it was unpacked, and puts it into the store.
/// For several threads, each with its own slice.
/// </summary>
internal sealed class ContentSink : IDisposable
{
    private const int PieceBytes = 32 * 1024;

    private readonly PlannedContent _planned;
    private readonly StorePull _pull;
    private readonly RebuiltFile? _file;
    private readonly FileStream? _unpacked;
    private readonly bool _isSliced;
    private long _received;

    public ContentSink(PlannedContent planned, StorePull pull, bool isSliced)
    {
        (_planned, _pull, _isSliced) = (planned, pull, isSliced);
        if (planned.Packing is null)
            _file = pull.Rebuild(planned.Size, planned.Variants);
        else
            _unpacked = pull.CreateScratch();
    }

    /// <summary>All bytes are here.</summary>
    public bool IsWhole => Interlocked.Read(ref _received) == _planned.CodedSize;

    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        if (_unpacked is not null)
            RandomAccess.Write(_unpacked.SafeFileHandle, bytes, offset);
        else if (_isSliced)
            _file!.WriteAt(offset, bytes);
        else
            _file!.Write(bytes);
        Interlocked.Add(ref _received, bytes.Length);
    }

    /// <summary>Puts the content into the store.</summary>
    /// <returns>Its id, or null when packing it again made something else than the publisher's.</returns>
    public ObjectId? Complete()
    {
        if (_file is not null)
            return _file.Complete();
        using var packed = _pull.Rebuild(_planned.Size, _planned.Variants);
        _unpacked!.Position = 0;
        return TryPack(packed) is { } id && PlannedPacking.CheckOf(id) == _planned.Packing!.Check ? id : null;
    }

    public void Dispose()
    {
        _file?.Dispose();
        _unpacked?.Dispose();
    }

    // Another length is another compressor's work: the content is fetched as it is then.
    private ObjectId? TryPack(RebuiltFile target)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            using var packed = _planned.Packing!.Repacking.Pack(_unpacked!);
            for (int count; (count = packed.Read(buffer)) > 0;)
                target.Write(buffer.AsSpan(0, count));
            return target.Complete();
        }
        catch (Exception e) when (e is CorruptObjectException || e is IOException and not PosixException)
        {
            return null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
