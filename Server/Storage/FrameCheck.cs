using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Storage;

/// <summary>
/// Hands an object's LZ4 frame on while it decodes it, so that nothing gets a place under a name that is not its hash. Memory is bounded by the
/// buffers, whatever the frame claims. One per thread.
/// </summary>
internal sealed class FrameCheck : IDisposable
{
    private const int BufferBytes = 256 * 1024;
    private const uint FrameMagic = 0x184D2204;
    private const int FlagsAt = 4;
    private const int ContentSizeFlag = 0x08;
    private const int ContentSizeAt = 6;

    private readonly byte[] _frame = GC.AllocateUninitializedArray<byte>(BufferBytes);
    private readonly byte[] _content = GC.AllocateUninitializedArray<byte>(BufferBytes);
    private readonly Lz4Decoder _decoder = new();
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <param name="sink">Takes the frame piece by piece, before it is known whether it is right.</param>
    /// <returns>The frame's length.</returns>
    /// <exception cref="CorruptObjectException">It cannot be read, or is not one LZ4 frame with this content.</exception>
    public long Read(ObjectName name, Stream frame, Action<ReadOnlySpan<byte>>? sink = null)
    {
        _decoder.Reset();
        _hash.GetHashAndReset();
        try
        {
            return Decode(name, frame, sink);
        }
        catch (FormatException e)
        {
            throw new CorruptObjectException(name, e.Message);
        }
    }

    public void Dispose()
    {
        _decoder.Dispose();
        _hash.Dispose();
    }

    private long Decode(ObjectName name, Stream frame, Action<ReadOnlySpan<byte>>? sink)
    {
        // A tree or commit that no reader accepts must not enter, even though its hash is right.
        var small = name.Kind == ObjectKind.File ? null : new ArrayBufferWriter<byte>();
        var limit = name.Kind == ObjectKind.Tree ? Tree.MaxEncodedBytes : Repository.MaxCommitBytes;
        var (announced, size, total, ended) = (-1L, 0L, 0L, false);
        for (int count; (count = Fill(name, frame)) > 0; total += count)
        {
            if (announced < 0)
                announced = ReadAnnouncedSize(_frame.AsSpan(0, count));
            if (small is not null && announced > limit)
                throw new FormatException($"larger than {limit} bytes");
            for (var rest = _frame.AsSpan(0, count); rest.Length > 0;)
            {
                if (ended)
                    throw new FormatException("bytes after the lz4 frame");
                (var consumed, var written, ended) = _decoder.Decode(rest, _content);
                rest = rest[consumed..];
                size += written;
                if (size > announced)
                    throw new FormatException("holds more than the content size in its frame");
                _hash.AppendData(_content, 0, written);
                small?.Write(_content.AsSpan(0, written));
            }
            sink?.Invoke(_frame.AsSpan(0, count));
        }
        if (!ended || size != announced || new ObjectId(_hash.GetHashAndReset()) != name.Id)
            throw new FormatException(ended ? "its content has another hash" : "the lz4 frame ends too early");
        if (small is not null)
            RequireCanonical(name.Kind, small.WrittenSpan);
        return total;
    }

    private static void RequireCanonical(ObjectKind kind, ReadOnlySpan<byte> content)
    {
        if (kind == ObjectKind.Tree)
            Tree.Decode(content);
        else
            Commit.Decode(content);
    }

    private int Fill(ObjectName name, Stream frame)
    {
        try
        {
            return frame.ReadAtLeast(_frame, _frame.Length, throwOnEndOfStream: false);
        }
        catch (IOException e)
        {
            // A disk that loses sectors says so.
            throw new CorruptObjectException(name, e.Message);
        }
    }

    private static long ReadAnnouncedSize(ReadOnlySpan<byte> frame)
    {
        if (frame.Length < ContentSizeAt || BinaryPrimitives.ReadUInt32LittleEndian(frame) != FrameMagic)
            throw new FormatException("not an lz4 frame");
        // lz4 writes no size for an empty content, so a frame without one can hold nothing else.
        if ((frame[FlagsAt] & ContentSizeFlag) == 0)
            return 0;
        var size = frame.Length >= ContentSizeAt + sizeof(long) ? BinaryPrimitives.ReadInt64LittleEndian(frame[ContentSizeAt..]) : -1;
        return size >= 0 ? size : throw new FormatException("its frame has no sensible content size");
    }
}
