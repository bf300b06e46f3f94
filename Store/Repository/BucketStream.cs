using ContentTree.Store.Objects;

namespace ContentTree.Store.Repositories;

/// <summary>
/// An object's frame that only a bucket has, to read from any place. Nothing is fetched before something is read: then a few bytes alone, or all of it
/// through the cache.
/// </summary>
/// <param name="isPart">Only a few bytes are going to be read.</param>
internal sealed class BucketStream(Repository repository, ObjectBucket bucket, ObjectName name, long length, bool isPart) : Stream
{
    // Whoever reads more than that all the same is better served with the whole.
    private const int MaxPart = 64 * 1024;

    private FileStream? _whole;
    private long _position;
    private long _parts;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => length;

    public override long Position
    {
        get => _position;
        set => _position = value is >= 0 && value <= length ? value : throw new ArgumentOutOfRangeException(nameof(value));
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var wanted = buffer[..(int)Math.Min(buffer.Length, length - _position)];
        if (wanted.IsEmpty)
            return 0;
        var count = isPart && (_parts += wanted.Length) <= MaxPart
            ? await bucket.TryGetPartAsync(name, _position, wanted, cancellationToken).ConfigureAwait(false) ?? throw new CorruptObjectException(name, $"{bucket.Name} has it no more")
            : await ReadWholeAsync(wanted, cancellationToken).ConfigureAwait(false);
        _position += count;
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => Position = offset + origin switch
    {
        SeekOrigin.Begin => 0,
        SeekOrigin.Current => _position,
        _ => length,
    };

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _whole?.Dispose();
        base.Dispose(disposing);
    }

    private async ValueTask<int> ReadWholeAsync(Memory<byte> target, CancellationToken cancellation)
    {
        _whole ??= new FileStream(await repository.OpenStoredAsync(name, cancellation).ConfigureAwait(false), FileAccess.Read, bufferSize: 0);
        _whole.Position = _position;
        return await _whole.ReadAsync(target, cancellation).ConfigureAwait(false);
    }
}
