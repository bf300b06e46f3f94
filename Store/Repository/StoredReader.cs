using System.Buffers.Binary;
using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Repositories;

/// <summary>Reads objects' contents out of their LZ4 frames as far as the caller wants, one after the other. The hash is not checked.</summary>
public sealed class StoredReader(Repository repository) : IDisposable
{
    private const uint FrameMagic = 0x184D2204;
    private const int FlagsAt = 4;
    private const int ContentSizeFlag = 0x08;
    private const int ContentSizeAt = 6;
    private const int EmptyFrameBytes = ContentSizeAt + 1 + 4;
    private const int MinFrameBytes = ContentSizeAt + 8 + 1 + 4;

    private readonly Lz4Decoder _decoder = new();
    private readonly byte[] _frame = new byte[64 * 1024];
    private SafeFileHandle? _file;
    private ObjectName _name;
    private ReadOnlyMemory<byte> _pending;

    /// <summary>Bytes of the present object that were not read yet.</summary>
    public long Remaining { get; private set; }

    /// <summary>Goes on with another object.</summary>
    /// <exception cref="ObjectNotFoundException">There is no such object.</exception>
    /// <exception cref="CorruptObjectException">It has no frame that tells its size.</exception>
    public void Open(ObjectName name)
    {
        Close();
        _file = repository.OpenStored(name);
        _name = name;
        _decoder.Reset();
        Refill();
        Remaining = ReadSize(_pending.Span);
    }

    /// <summary>The next bytes; fewer than asked for only at the end.</summary>
    /// <exception cref="CorruptObjectException">The frame is damaged or not of the size it tells.</exception>
    public int Read(Span<byte> target)
    {
        var total = (int)Math.Min(target.Length, Remaining);
        for (var done = 0; done < total;)
        {
            var (consumed, written) = Decode(target[done..total]);
            _pending = _pending[consumed..];
            done += written;
            if (written == 0 && _pending.IsEmpty)
                Refill();
        }
        Remaining -= total;
        return total;
    }

    /// <summary>Leaves out the next bytes of the present object.</summary>
    public void Skip(long count)
    {
        Span<byte> passed = stackalloc byte[16 * 1024];
        while (count > 0)
            count -= Read(passed[..(int)Math.Min(count, passed.Length)]);
    }

    /// <summary>Leaves the present object.</summary>
    public void Close()
    {
        _file?.Dispose();
        _file = null;
        Remaining = 0;
    }

    public void Dispose()
    {
        Close();
        _decoder.Dispose();
    }

    private (int Consumed, int Written) Decode(Span<byte> target)
    {
        try
        {
            var (consumed, written, ended) = _decoder.Decode(_pending.Span, target);
            return ended && written < target.Length
                ? throw new CorruptObjectException(_name, "holds less than its frame tells")
                : (consumed, written);
        }
        catch (FormatException e)
        {
            throw new CorruptObjectException(_name, e.Message);
        }
    }

    private void Refill()
    {
        var count = _file is null ? 0 : Posix.ReadFull(_file, _frame, _name.ToString());
        _pending = _frame.AsMemory(0, count);
        if (count == 0)
            throw new CorruptObjectException(_name, "its lz4 frame ends too early");
    }

    private long ReadSize(ReadOnlySpan<byte> frame)
    {
        // An empty object's frame tells no size.
        if (frame.Length == EmptyFrameBytes)
            return 0;
        if (frame.Length < MinFrameBytes || BinaryPrimitives.ReadUInt32LittleEndian(frame) != FrameMagic || (frame[FlagsAt] & ContentSizeFlag) == 0)
            throw new CorruptObjectException(_name, "no lz4 frame with its content size");
        var size = BinaryPrimitives.ReadInt64LittleEndian(frame[ContentSizeAt..]);
        return size >= 0 ? size : throw new CorruptObjectException(_name, "its frame tells an impossible size");
    }
}
