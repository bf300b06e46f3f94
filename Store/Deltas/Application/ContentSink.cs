using System.Buffers;
using ContentTree.Store.Codecs;
using ContentTree.Store.Deltas.Plans;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

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

    /// <summary>Bytes that parts make: the content's own, or those before packing.</summary>
    public long CodedSize => _planned.CodedSize;

    /// <summary>All bytes are here.</summary>
    public bool IsWhole => Interlocked.Read(ref _received) == CodedSize;

    /// <summary>How gzip packs it; null when something else does or nothing.</summary>
    public int? GzipLevel => (_planned.Packing?.Repacking as Repacking.Gzip)?.Level;

    /// <summary>The bytes before packing, for a content that is packed.</summary>
    public SafeFileHandle Unpacked => _unpacked!.SafeFileHandle;

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
        _unpacked!.Position = 0;
        using var packed = _planned.Packing!.Repacking.Pack(_unpacked);
        return CompleteFrom(packed);
    }

    /// <summary>Puts a packed content into the store.</summary>
    /// <param name="packed">Begins with its bytes; what follows them is left unread.</param>
    /// <returns>Its id, or null when these are not the publisher's bytes.</returns>
    public ObjectId? CompleteFrom(Stream packed)
    {
        using var target = _pull.Rebuild(_planned.Size, _planned.Variants);
        return TryCopy(packed, target) is { } id && PlannedPacking.CheckOf(id) == _planned.Packing!.Check ? id : null;
    }

    public void Dispose()
    {
        _file?.Dispose();
        _unpacked?.Dispose();
    }

    // Too few bytes are another compressor's work: the content is fetched as it is then.
    private ObjectId? TryCopy(Stream packed, RebuiltFile target)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            var left = _planned.Size;
            for (int count; left > 0 && (count = packed.Read(buffer, 0, (int)Math.Min(left, PieceBytes))) > 0; left -= count)
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
