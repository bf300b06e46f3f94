using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Repositories;

/// <summary>
/// A store of bytes under flat names ("keys"), as S3 has it. What was put is durable when the call returns, and replaces what was there.
/// Safe for several threads. Every call throws <see cref="BucketException"/> when the bucket does not do what it was asked.
/// </summary>
public interface IBucket : IDisposable
{
    /// <summary>For people: where it is, without any secret.</summary>
    string Name { get; }

    /// <summary>Stores the whole of an open file, whatever its present position.</summary>
    Task PutAsync(string key, SafeFileHandle file, long size, CancellationToken cancellation);

    /// <summary>Writes a key's bytes to <paramref name="target"/>, at most <paramref name="size"/> of them; false when there is no such key.</summary>
    Task<bool> TryGetAsync(string key, Stream target, long size, CancellationToken cancellation);

    /// <summary>Some of a key's bytes.</summary>
    /// <returns>How many there were, at most as many as the buffer takes; null when there is no such key, or nothing of it there.</returns>
    Task<int?> TryGetPartAsync(string key, long offset, Memory<byte> target, CancellationToken cancellation);

    /// <summary>How many bytes a key has; null when there is no such key.</summary>
    Task<long?> FindAsync(string key, CancellationToken cancellation);

    /// <summary>An address under which anybody may read a key for so long; null where there are none.</summary>
    Task<Uri?> LinkAsync(string key, TimeSpan validity);

    /// <summary>Removes a key, also one that is not there.</summary>
    Task DeleteAsync(string key, CancellationToken cancellation);

    /// <summary>The keys that begin so, in their order.</summary>
    IAsyncEnumerable<BucketEntry> ListAsync(string prefix, CancellationToken cancellation);

    /// <summary>Whether a listed key has the bytes of an open file, as far as the listing tells; false where it does not tell.</summary>
    bool HasSame(BucketEntry entry, SafeFileHandle file, long size);
}

/// <summary>One key of a bucket, its bytes, when they were put, and what the bucket calls their version.</summary>
public readonly record struct BucketEntry(string Key, long Size, DateTimeOffset Put, string Tag = "");

/// <summary>A bucket cannot be reached, refuses, or has no such thing (exit code 12).</summary>
public sealed class BucketException(string message, Exception? inner = null) : IOException(message, inner);
