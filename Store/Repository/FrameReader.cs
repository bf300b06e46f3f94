using System.Security.Cryptography;
using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Repositories;

/// <summary>Reads contents out of open LZ4 frames in bounded memory, hash and size checked. One per thread.</summary>
internal sealed class FrameReader : IDisposable
{
    private const int FrameBytes = 256 * 1024;
    private const int ContentBytes = 1024 * 1024;

    private readonly byte[] _frame = GC.AllocateUninitializedArray<byte>(FrameBytes);
    private readonly byte[] _content = GC.AllocateUninitializedArray<byte>(ContentBytes);
    private readonly Lz4Decoder _decoder = new();
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Hands the content to <paramref name="sink"/> piece by piece; throws after the last piece when it was wrong.</summary>
    /// <param name="file">From its present position to its end.</param>
    /// <returns>The content's size in bytes.</returns>
    /// <exception cref="CorruptObjectException">The frame, the hash or the size is wrong.</exception>
    public long Read(ObjectName name, SafeFileHandle file, long? expectedSize = null, Action<ReadOnlySpan<byte>>? sink = null)
    {
        _decoder.Reset();
        _hash.GetHashAndReset();
        try
        {
            var size = Decode(name, file, expectedSize, sink);
            if (new ObjectId(_hash.GetHashAndReset()) != name.Id)
                throw new CorruptObjectException(name, "its content has another hash");
            return expectedSize is null || size == expectedSize ? size : throw new CorruptObjectException(name, $"{size} bytes instead of {expectedSize}");
        }
        catch (FormatException e)
        {
            throw new CorruptObjectException(name, e.Message);
        }
    }

    /// <summary>The first bytes of a content, not checked: enough to see what it may be.</summary>
    /// <returns>How many there are, at most the buffer's length.</returns>
    /// <exception cref="CorruptObjectException">The frame is wrong.</exception>
    public int ReadStart(ObjectName name, SafeFileHandle file, Span<byte> start)
    {
        _decoder.Reset();
        try
        {
            var filled = 0;
            for (int count; filled < start.Length && (count = Posix.Read(file, _frame, name.ToString())) > 0;)
            {
                for (var rest = _frame.AsSpan(0, count); rest.Length > 0 && filled < start.Length;)
                {
                    var (consumed, written, ended) = _decoder.Decode(rest, _content);
                    var taken = Math.Min(written, start.Length - filled);
                    _content.AsSpan(0, taken).CopyTo(start[filled..]);
                    filled += taken;
                    if (ended)
                        return filled;
                    rest = rest[consumed..];
                }
            }
            return filled;
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

    private long Decode(ObjectName name, SafeFileHandle file, long? limit, Action<ReadOnlySpan<byte>>? sink)
    {
        long size = 0;
        var ended = false;
        for (int count; (count = Posix.Read(file, _frame, name.ToString())) > 0;)
        {
            for (var rest = _frame.AsSpan(0, count); rest.Length > 0;)
            {
                if (ended)
                    throw new FormatException("bytes after the lz4 frame");
                (var consumed, var written, ended) = _decoder.Decode(rest, _content);
                rest = rest[consumed..];
                size += written;
                if (size > limit)
                    throw new CorruptObjectException(name, $"more than {limit} bytes");
                _hash.AppendData(_content, 0, written);
                sink?.Invoke(_content.AsSpan(0, written));
            }
        }
        return ended ? size : throw new FormatException("lz4 frame ends too early");
    }
}
