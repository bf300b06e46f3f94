using ContentTree.Store.Objects;

namespace ContentTree.Store.Repositories;

/// <summary>Reads objects' contents out of a repository in bounded memory, hash and size checked. One per thread.</summary>
/// <param name="isFresh">What a bucket has is fetched anew: a check is to see the bucket, and not a cache.</param>
public sealed class StoredContent(Repository repository, bool isFresh = false) : IDisposable
{
    private readonly FrameReader _reader = new();

    /// <summary>Hands the content to <paramref name="sink"/> piece by piece; throws after the last piece when it was wrong.</summary>
    /// <returns>The content's size in bytes.</returns>
    /// <exception cref="ObjectNotFoundException">There is no such object.</exception>
    /// <exception cref="CorruptObjectException">The frame, the hash or the size is wrong.</exception>
    public long Read(ObjectName name, long? expectedSize = null, Action<ReadOnlySpan<byte>>? sink = null)
    {
        using var file = isFresh ? repository.OpenFresh(name) : repository.OpenStored(name);
        return _reader.Read(name, file, expectedSize, sink);
    }

    /// <summary>The first bytes of a content, not checked: enough to see what it may be.</summary>
    /// <returns>How many there are, at most the buffer's length.</returns>
    /// <exception cref="ObjectNotFoundException">There is no such object.</exception>
    /// <exception cref="CorruptObjectException">The frame is wrong.</exception>
    public int ReadStart(ObjectName name, Span<byte> start)
    {
        using var file = repository.OpenStored(name);
        return _reader.ReadStart(name, file, start);
    }

    public void Dispose() => _reader.Dispose();
}
