namespace ContentTree.Store.Deltas.Generation;

/// <summary>The end of a scratch file, from a place on, as a stream: what codecs read and write.</summary>
internal sealed class ScratchStream(ScratchFile file, long start) : Stream
{
    private long _position;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => true;

    public override long Length => file.Length - start;

    public override long Position
    {
        get => _position;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            _position = value;
        }
    }

    public override int Read(Span<byte> buffer)
    {
        var count = (int)Math.Clamp(Length - _position, 0, buffer.Length);
        file.From(start).Read(_position, buffer[..count]);
        _position += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <exception cref="NotSupportedException">Not at the end: codecs write what follows.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (_position != Length)
            throw new NotSupportedException("a scratch file is written at its end");
        file.Append(buffer);
        _position += buffer.Length;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override long Seek(long offset, SeekOrigin origin) => Position = offset + origin switch
    {
        SeekOrigin.Begin => 0,
        SeekOrigin.Current => _position,
        _ => Length,
    };

    /// <exception cref="ArgumentOutOfRangeException">Longer than it is.</exception>
    public override void SetLength(long value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, Length);
        file.Truncate(start + value);
        _position = Math.Min(_position, value);
    }

    public override void Flush()
    {
    }
}
