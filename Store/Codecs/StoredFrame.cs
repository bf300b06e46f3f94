using System.Buffers.Binary;

namespace ContentTree.Store.Codecs;

/// <summary>
/// An LZ4 frame whose blocks hold the content as it is. It follows from the content alone, whoever makes it: so its length is known
/// before a byte is read, and any range of it is made without what lies before.
/// </summary>
public sealed class StoredFrame
{
    private const int BlockBytes = 64 * 1024;
    private const int BlockHeader = 4;
    private const uint IsStored = 1u << 31;

    private static ReadOnlySpan<byte> EndMark => [0, 0, 0, 0];

    private readonly byte[] _header;
    private readonly long _size;
    private readonly ReadContent _read;

    /// <param name="size">The content's bytes.</param>
    /// <param name="read">Reads them from any place.</param>
    public StoredFrame(long size, ReadContent read)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(size);
        using var encoder = new Lz4Encoder();
        _header = encoder.Begin(size).ToArray();
        (_size, _read) = (size, read);
    }

    /// <summary>Reads at most the span's length from an offset; 0 at the end.</summary>
    public delegate int ReadContent(long offset, Span<byte> target);

    /// <summary>Bytes of the whole frame.</summary>
    public long Length => _header.Length + _size + BlockHeader * (Blocks + 1);

    private long Blocks => (_size + BlockBytes - 1) / BlockBytes;

    /// <summary>Makes the frame's bytes from <paramref name="offset"/> on, as many as fit; 0 at its end.</summary>
    /// <exception cref="EndOfStreamException">The content is shorter than it was said to be.</exception>
    public int Read(long offset, Span<byte> target)
    {
        var made = 0;
        while (made < target.Length && offset + made < Length)
            made += ReadPiece(offset + made, target[made..]);
        return made;
    }

    // No further than the end of the header, of a block's length or of a block.
    private int ReadPiece(long offset, Span<byte> target)
    {
        if (offset < _header.Length)
            return Copy(_header.AsSpan((int)offset), target);
        if (offset >= Length - BlockHeader)
            return Copy(EndMark[(int)(offset - Length + BlockHeader)..], target);
        var (block, within) = Math.DivRem(offset - _header.Length, BlockHeader + BlockBytes);
        var start = block * BlockBytes;
        var length = (int)Math.Min(BlockBytes, _size - start);
        if (within < BlockHeader)
        {
            Span<byte> header = stackalloc byte[BlockHeader];
            BinaryPrimitives.WriteUInt32LittleEndian(header, (uint)length | IsStored);
            return Copy(header[(int)within..], target);
        }
        var done = (int)within - BlockHeader;
        var count = _read(start + done, target[..Math.Min(target.Length, length - done)]);
        return count > 0 ? count : throw new EndOfStreamException("the content is shorter than it was");
    }

    private static int Copy(ReadOnlySpan<byte> source, Span<byte> target)
    {
        var count = Math.Min(source.Length, target.Length);
        source[..count].CopyTo(target);
        return count;
    }
}
