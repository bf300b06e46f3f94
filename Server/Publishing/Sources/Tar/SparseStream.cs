using ContentTree.Store.Codecs;

namespace ContentTree.Server.Publishing.Sources.Tar;

/// <summary>A file with holes: pieces from one stream, zeros between them. For reading once.</summary>
internal sealed class SparseStream : ReadOnlyStream
{
    private readonly Stream _pieces;
    private readonly Queue<(long Offset, long Length)> _left;
    private readonly long _size;
    private long _at;

    /// <param name="stored">Bytes that <paramref name="pieces"/> holds.</param>
    /// <exception cref="FormatException">The pieces overlap, go backwards or are not what is stored.</exception>
    public SparseStream(Stream pieces, long stored, long size, IEnumerable<(long Offset, long Length)> map)
    {
        (_pieces, _size, _left) = (pieces, size, new(map.Where(p => p.Length > 0)));
        long end = 0;
        foreach (var (offset, length) in _left)
        {
            if (offset < end || offset > size || length > size - offset)
                throw new FormatException("has a map of a sparse file that makes no sense");
            (end, stored) = (offset + length, stored - length);
        }
        if (stored != 0 || size < 0)
            throw new FormatException("has a map of a sparse file that is not of what follows");
    }

    public override int Read(Span<byte> buffer)
    {
        var (offset, length) = _left.TryPeek(out var piece) ? piece : (_size, 0);
        if (_at < offset)
        {
            var zeros = (int)Math.Min(buffer.Length, offset - _at);
            buffer[..zeros].Clear();
            _at += zeros;
            return zeros;
        }
        if (length == 0)
            return 0;
        var count = _pieces.Read(buffer[..(int)Math.Min(buffer.Length, offset + length - _at)]);
        _at += count;
        if (_at == offset + length)
            _left.Dequeue();
        return count;
    }
}
