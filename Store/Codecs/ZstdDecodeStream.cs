using System.Buffers;

namespace ContentTree.Store.Codecs;

/// <summary>
/// The content of one zstd frame, read as it arrives. Holds the window the frame asks for, at most the one allowed, and
/// never the whole content. The read that brings the last byte checks that content, frame and source end together.
/// </summary>
internal sealed unsafe class ZstdDecodeStream : ReadOnlyStream
{
    private readonly byte[] _input = new byte[128 << 10];
    private readonly Stream _source;
    private readonly ZstdDecoder _decoder;
    private readonly MemoryHandle _prefix;
    private ReadOnlyMemory<byte> _pending;
    private long _left;
    private bool _ended;

    /// <param name="source">The frame and nothing after it; stays open.</param>
    /// <param name="length">Bytes the frame must hold, no more and no fewer.</param>
    /// <param name="maxWindowLog">Largest window accepted, as a power of two. With a prefix it must reach over both.</param>
    /// <param name="prefix">The old bytes the encoder was given.</param>
    public ZstdDecodeStream(Stream source, long length, int maxWindowLog, ReadOnlyMemory<byte> prefix = default)
    {
        _decoder = new ZstdDecoder(maxWindowLog);
        (_source, _left) = (source, length);
        _prefix = prefix.Pin();
        _decoder.Begin((byte*)_prefix.Pointer, prefix.Length);
    }

    /// <exception cref="FormatException">No frame, a cut one, bytes after it, or another length of content.</exception>
    public override int Read(Span<byte> buffer)
    {
        if (_ended || buffer.IsEmpty)
            return 0;
        var count = _left == 0 ? 0 : Decode(buffer[..(int)Math.Min(buffer.Length, _left)]);
        _left -= count;
        if (_left == 0)
            ConfirmEnd();
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _decoder.Dispose();
            _prefix.Dispose();
        }
        base.Dispose(disposing);
    }

    private int Decode(Span<byte> target)
    {
        while (true)
        {
            var (consumed, written, ended) = _decoder.Decode(_pending.Span, target);
            _pending = _pending[consumed..];
            _ended = ended;
            if (ended && written < _left)
                throw new FormatException("zstd frame holds fewer bytes than expected");
            if (written > 0)
                return written;
            Refill();
        }
    }

    private void ConfirmEnd()
    {
        Span<byte> beyond = stackalloc byte[1];
        while (!_ended)
        {
            (var consumed, var written, _ended) = _decoder.Decode(_pending.Span, beyond);
            _pending = _pending[consumed..];
            if (written > 0)
                throw new FormatException("zstd frame holds more bytes than expected");
            if (!_ended)
                Refill();
        }
        if (!_pending.IsEmpty || _source.ReadByte() >= 0)
            throw new FormatException("bytes after the zstd frame");
    }

    private void Refill()
    {
        if (!_pending.IsEmpty)
            return;
        var count = _source.Read(_input, 0, _input.Length);
        _pending = _input.AsMemory(0, count);
        if (count == 0)
            throw new FormatException("zstd frame ends too early");
    }
}
