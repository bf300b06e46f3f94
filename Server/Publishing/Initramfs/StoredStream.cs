using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Publishing.Initramfs;

/// <summary>A file of the repository as a stream that is read once.</summary>
internal sealed class StoredStream : Stream
{
    private readonly StoredReader _reader;

    public StoredStream(Repository repository, ObjectId file)
    {
        _reader = new StoredReader(repository);
        _reader.Open(new ObjectName(ObjectKind.File, file));
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(Span<byte> buffer) => _reader.Read(buffer);

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _reader.Dispose();
        base.Dispose(disposing);
    }
}
