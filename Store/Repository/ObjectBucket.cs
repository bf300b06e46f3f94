using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Repositories;

/// <summary>
/// The objects of a repository in a bucket, under the paths that they have in the repository. The bucket has all of them; the repository's directory
/// keeps commits and trees too, which are read often, and <see cref="StandIn"/>s for files, whose bytes are fetched through a cache.
/// </summary>
/// <param name="bucket">Disposed with this.</param>
/// <param name="cachePath">A directory for this alone; several processes may share it.</param>
/// <param name="maxCacheBytes">About how large it may become.</param>
/// <param name="owner">Whose objects these are: letters and digits that no other directory has.</param>
public sealed class ObjectBucket(IBucket bucket, string cachePath, long maxCacheBytes, string owner) : IDisposable
{
    private const string Folder = "objects/";
    private const string Owners = "owner/";
    private const int Parallel = 16;
    private const int MaxFetches = 32;
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LookFor = TimeSpan.FromSeconds(5);

    private readonly ContentCache _cache = new(cachePath, maxCacheBytes);
    private readonly ConcurrentDictionary<ObjectName, Lazy<Task>> _fetching = new();
    private readonly ConcurrentBag<FrameReader> _readers = [];
    private readonly SemaphoreSlim _fetches = new(MaxFetches);
    private readonly Lock _looking = new();
    private long _looked = -(long)LookAgain.TotalMilliseconds;
    private string? _trouble;

    /// <summary>For people: where it is.</summary>
    public string Name => bucket.Name;

    /// <summary>The objects that the bucket has: 256 times those whose ids begin with the next byte.</summary>
    public async IAsyncEnumerable<IReadOnlyDictionary<ObjectName, BucketEntry>> ListAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        var (first, found) = (0, new Dictionary<ObjectName, BucketEntry>());
        // A listing is in the order of its keys, and one for all costs the fewest requests.
        await foreach (var entry in bucket.ListAsync(Folder, cancellation).ConfigureAwait(false))
        {
            if (entry.Key.Length <= Folder.Length + 2 || !ObjectName.TryParse(entry.Key[Folder.Length..].Remove(2, 1), out var name) || name.RelativePath != entry.Key)
                continue;
            for (var at = Convert.FromHexString(entry.Key.AsSpan(Folder.Length, 2))[0]; first < at; first++)
            {
                yield return found;
                found = [];
            }
            found[name] = entry;
        }
        for (; first < 256; first++)
        {
            yield return found;
            found = [];
        }
    }

    /// <summary>
    /// Takes the bucket for this directory, unless it is another one's: what has no place here would be removed there. Said again it changes nothing.
    /// </summary>
    /// <returns>Whether it is this directory's now.</returns>
    public async Task<bool> TryClaimAsync(CancellationToken cancellation)
    {
        var isMine = false;
        await foreach (var entry in bucket.ListAsync(Owners, cancellation).ConfigureAwait(false))
        {
            if (entry.Key != Owners + owner)
                return false;
            isMine = true;
        }
        if (isMine)
            return true;
        using var nothing = Posix.OpenForReading("/dev/null");
        await bucket.PutAsync(Owners + owner, nothing, 0, cancellation).ConfigureAwait(false);
        return true;
    }

    /// <summary>Leaves it to the next directory that claims it.</summary>
    public Task ReleaseAsync(CancellationToken cancellation) => bucket.DeleteAsync(Owners + owner, cancellation);

    /// <summary>Puts one object there.</summary>
    public Task PutAsync(ObjectName name, SafeFileHandle file, long size, CancellationToken cancellation) => bucket.PutAsync(name.RelativePath, file, size, cancellation);

    /// <summary>Whether a listed object is what an open file is, as far as the listing tells.</summary>
    public bool HasSame(BucketEntry entry, SafeFileHandle file, long size) => bucket.HasSame(entry, file, size);

    /// <summary>Where anybody may read an object's frame for so long; null where the bucket has no such addresses.</summary>
    public Task<Uri?> LinkAsync(ObjectName name, TimeSpan validity) => bucket.LinkAsync(name.RelativePath, validity);

    /// <summary>How many bytes the bucket has of an object; null when it has none.</summary>
    public Task<long?> FindAsync(ObjectName name, CancellationToken cancellation) => bucket.FindAsync(name.RelativePath, cancellation);

    /// <summary>Whether the bucket answers; what was found counts for some seconds, and one looks at a time.</summary>
    /// <exception cref="BucketException">It does not.</exception>
    public void Look()
    {
        lock (_looking)
        {
            if (Environment.TickCount64 - _looked >= LookAgain.TotalMilliseconds)
            {
                _trouble = Task.Run(TroubleAsync).GetAwaiter().GetResult();
                _looked = Environment.TickCount64;
            }
            if (_trouble is { } trouble)
                throw new BucketException(trouble);
        }
    }

    public void Dispose()
    {
        bucket.Dispose();
        _cache.Dispose();
        _fetches.Dispose();
        foreach (var reader in _readers)
            reader.Dispose();
    }

    /// <summary>An object's frame, fetched unless it was lately; its hash was compared then.</summary>
    /// <param name="size">Bytes that it had when it got its place. Another encoder's frame of the same content may be a little longer or shorter.</param>
    /// <exception cref="CorruptObjectException">The bucket has no such object, or something else under its name.</exception>
    /// <exception cref="BucketException">The bucket does not answer.</exception>
    internal async Task<SafeFileHandle> OpenAsync(ObjectName name, long size, CancellationToken cancellation)
    {
        while (true)
        {
            if (_cache.TryOpen(name) is { } cached)
                return cached;
            // Whoever wants the same at the same time waits for the first, and goes away alone.
            var fetching = _fetching.GetOrAdd(name, _ => new Lazy<Task>(() => FetchAsync(name, size)));
            await fetching.Value.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>An object's frame that was fetched lately, or null.</summary>
    internal SafeFileHandle? TryOpenCached(ObjectName name) => _cache.TryOpen(name);

    /// <summary>Some bytes of a frame as the bucket has them, not checked and not kept.</summary>
    internal Task<int?> TryGetPartAsync(ObjectName name, long offset, Memory<byte> target, CancellationToken cancellation) =>
        bucket.TryGetPartAsync(name.RelativePath, offset, target, cancellation);

    /// <summary>Puts objects there, several at a time, and files among them into the cache.</summary>
    internal void Put(IEnumerable<StagedFile> batch)
    {
        var options = new ParallelOptions { MaxDegreeOfParallelism = Parallel };
        Task.Run(() => System.Threading.Tasks.Parallel.ForEachAsync(batch, options, async (staged, cancellation) =>
        {
            using var opened = staged.OpenAgain();
            await PutAsync(staged.Name, opened ?? staged.File, staged.Size, cancellation).ConfigureAwait(false);
        })).GetAwaiter().GetResult();
    }

    /// <summary>Keeps an object's bytes at hand that were put just now.</summary>
    internal void Remember(StagedFile staged)
    {
        // What was written anew replaces something damaged.
        _cache.Remove(staged.Name);
        if (staged.IsUnnamed)
            _cache.TryLink(staged.Name, staged.File, staged.Size);
    }

    // Asked for by listing: that a bucket of another name has no such object must not be taken for an answer.
    internal bool Contains(ObjectName name) => bucket.ListAsync(name.RelativePath, CancellationToken.None).ToBlockingEnumerable().Any(entry => entry.Key == name.RelativePath);

    /// <summary>Has an object fetched anew when it is wanted next.</summary>
    internal void Forget(ObjectName name) => _cache.Remove(name);

    internal void Delete(IEnumerable<ObjectName> names)
    {
        var options = new ParallelOptions { MaxDegreeOfParallelism = Parallel };
        Task.Run(() => System.Threading.Tasks.Parallel.ForEachAsync(names, options, async (name, cancellation) =>
        {
            await bucket.DeleteAsync(name.RelativePath, cancellation).ConfigureAwait(false);
            _cache.Remove(name);
        })).GetAwaiter().GetResult();
    }

    private async Task FetchAsync(ObjectName name, long size)
    {
        byte[]? temporary = null;
        await _fetches.WaitAsync().ConfigureAwait(false);
        try
        {
            (var file, temporary) = _cache.Begin(name, size);
            using (file)
            {
                using (var stream = new FileStream(file, FileAccess.Write, bufferSize: 0))
                {
                    if (!await bucket.TryGetAsync(name.RelativePath, stream, LongestOf(size), CancellationToken.None).ConfigureAwait(false))
                        throw new CorruptObjectException(name, $"{Name} has it no more");
                    stream.SetLength(stream.Position);
                    Check(name, stream.SafeFileHandle);
                }
            }
            _cache.Place(name, temporary);
        }
        catch (PosixException e) when (e.IsOutOfSpace)
        {
            throw new BucketException($"{name}: no room for it in {cachePath}", e);
        }
        finally
        {
            if (temporary is not null)
                _cache.Discard(name, temporary);
            _fetching.TryRemove(name, out _);
            _fetches.Release();
        }
    }

    // A frame of incompressible content is a little larger than the content, and no frame is longer than that.
    private static long LongestOf(long size) => 256 * Math.Max(size, 64 * 1024);

    private async Task<string?> TroubleAsync()
    {
        using var patience = new CancellationTokenSource(LookFor);
        try
        {
            await foreach (var _ in bucket.ListAsync(Folder, patience.Token).ConfigureAwait(false))
                break;
            return null;
        }
        catch (BucketException e)
        {
            return e.Message;
        }
        catch (OperationCanceledException)
        {
            return $"{Name} does not answer";
        }
    }

    private void Check(ObjectName name, SafeFileHandle file)
    {
        Posix.Rewind(file, name.ToString());
        var reader = _readers.TryTake(out var idle) ? idle : new FrameReader();
        try
        {
            reader.Read(name, file);
        }
        finally
        {
            _readers.Add(reader);
        }
    }
}
