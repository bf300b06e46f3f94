namespace ContentTree.Store.Deltas.Application;

/// <summary>
/// Writes an item's bytes to its content's sink; to nowhere when the content is there already. A decoder makes a few bytes at a time:
/// they are collected, and all there only after <see cref="Flush"/>.
/// </summary>
internal sealed class SinkStream(ContentSink? sink, long start, byte[] buffer, CancellationToken cancellation) : Stream
{
    private long _at = start;
    private int _filled;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(byte[] bytes, int offset, int count) => Write(bytes.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var count = Math.Min(bytes.Length, buffer.Length - _filled);
            bytes[..count].CopyTo(buffer.AsSpan(_filled));
            bytes = bytes[count..];
            _filled += count;
            if (_filled == buffer.Length)
                Flush();
        }
    }

    public override void Flush()
    {
        cancellation.ThrowIfCancellationRequested();
        sink?.Write(_at, buffer.AsSpan(0, _filled));
        _at += _filled;
        _filled = 0;
    }

    public override int Read(byte[] bytes, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
