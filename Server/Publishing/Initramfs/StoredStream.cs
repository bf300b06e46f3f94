using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Publishing.Initramfs;

/// <summary>A file of the repository as a stream that is read once.</summary>
internal sealed class StoredStream : ReadOnlyStream
{
    private readonly StoredReader _reader;

    public StoredStream(Repository repository, ObjectId file)
    {
        _reader = new StoredReader(repository);
        _reader.Open(new ObjectName(ObjectKind.File, file));
    }

    public override int Read(Span<byte> buffer) => _reader.Read(buffer);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _reader.Dispose();
        base.Dispose(disposing);
    }
}
