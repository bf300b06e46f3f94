namespace ContentTree.Store.Codecs;

/// <summary>
/// The content of one compressed frame, read as it arrives. The read that brings the last byte checks that content, frame
/// and source end together.
/// </summary>
internal abstract class FrameStream : ReadOnlyStream
{
    private readonly byte[] _input = new byte[16 << 10];
    private readonly Stream _source;
    private readonly long _minLength;
    private readonly long _maxLength;
    private readonly string _format;
    private ReadOnlyMemory<byte> _pending;
    private long _length;
    private bool _ended;

    /// <param name="source">The frame and nothing after it; stays open.</param>
    /// <param name="minLength">Fewest bytes the frame must hold.</param>
    /// <param name="maxLength">Most bytes the frame may hold.</param>
    /// <param name="format">What messages call it.</param>
    protected FrameStream(Stream source, long minLength, long maxLength, string format)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxLength);
        (_source, _minLength, _maxLength, _format) = (source, minLength, maxLength, format);
    }

    /// <exception cref="FormatException">No frame, a cut one, bytes after it, or a length outside the limits.</exception>
    public override int Read(Span<byte> buffer)
    {
        if (_ended || buffer.IsEmpty)
            return 0;
        var count = _length == _maxLength ? 0 : Next(buffer[..(int)Math.Min(buffer.Length, _maxLength - _length)]);
        _length += count;
        if (!_ended && _length == _maxLength)
            ConfirmNothingFollows();
        if (_ended)
            CheckEnd();
        return count;
    }

    /// <summary>Decodes as much as fits.</summary>
    /// <returns>Bytes consumed and written, and whether the frame's end was reached.</returns>
    protected abstract (int Consumed, int Written, bool Ended) Decode(ReadOnlySpan<byte> source, Span<byte> target);

    private int Next(Span<byte> target)
    {
        while (true)
        {
            (var consumed, var written, _ended) = Decode(_pending.Span, target);
            _pending = _pending[consumed..];
            if (written > 0 || _ended)
                return written;
            Refill();
        }
    }

    private void ConfirmNothingFollows()
    {
        Span<byte> beyond = stackalloc byte[1];
        if (Next(beyond) > 0)
            throw new FormatException($"{_format} holds more than {_maxLength} bytes");
    }

    private void CheckEnd()
    {
        if (_length < _minLength)
            throw new FormatException($"{_format} holds fewer than {_minLength} bytes");
        if (!_pending.IsEmpty || _source.ReadByte() >= 0)
            throw new FormatException($"bytes after the {_format}");
    }

    private void Refill()
    {
        if (!_pending.IsEmpty)
            return;
        var count = _source.Read(_input, 0, _input.Length);
        _pending = _input.AsMemory(0, count);
        if (count == 0)
            throw new FormatException($"{_format} ends too early");
    }
}
