using ContentTree.Store;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Storage.Buckets;

/// <summary>A part of an open file as a stream to read. It leaves the file's position alone, and reads at once: the base library's would go to another thread for each piece.</summary>
/// <param name="isOwned">It closes the file.</param>
internal sealed class FileSlice(SafeFileHandle file, long start, long length, bool isOwned = false) : Stream
{
    private long _position;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => length;

    public override long Position
    {
        get => _position;
        set => _position = value is >= 0 && value <= length ? value : throw new ArgumentOutOfRangeException(nameof(value));
    }

    public override int Read(Span<byte> buffer)
    {
        var count = Posix.ReadAt(file, start + _position, buffer[..(int)Math.Min(buffer.Length, length - _position)], "object");
        _position += count;
        return count;
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.FromResult(Read(buffer.Span));

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override long Seek(long offset, SeekOrigin origin) => Position = offset + origin switch
    {
        SeekOrigin.Begin => 0,
        SeekOrigin.Current => _position,
        _ => length,
    };

    protected override void Dispose(bool disposing)
    {
        if (disposing && isOwned)
            file.Dispose();
        base.Dispose(disposing);
    }

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
