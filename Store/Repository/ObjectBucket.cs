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
public sealed class ObjectBucket(IBucket bucket, string cachePath, long maxCacheBytes) : IDisposable
{
    private const string Folder = "objects/";
    private const int Parallel = 16;
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(10);

    private readonly ContentCache _cache = new(cachePath, maxCacheBytes);
    private readonly ConcurrentDictionary<ObjectName, Lazy<Task>> _fetching = new();
    private readonly ConcurrentBag<FrameReader> _readers = [];
    private long _looked = -(long)LookAgain.TotalMilliseconds;

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

    /// <summary>Puts one object there.</summary>
    public Task PutAsync(ObjectName name, SafeFileHandle file, long size, CancellationToken cancellation) => bucket.PutAsync(name.RelativePath, file, size, cancellation);

    /// <summary>How many bytes the bucket has of an object; null when it has none.</summary>
    public Task<long?> FindAsync(ObjectName name, CancellationToken cancellation) => bucket.FindAsync(name.RelativePath, cancellation);

    /// <summary>Whether the bucket answers; its answer counts for some seconds.</summary>
    /// <exception cref="BucketException">It does not.</exception>
    public void Look()
    {
        if (Environment.TickCount64 - Interlocked.Read(ref _looked) < LookAgain.TotalMilliseconds)
            return;
        Task.Run(() => bucket.FindAsync(Folder, CancellationToken.None)).GetAwaiter().GetResult();
        Interlocked.Exchange(ref _looked, Environment.TickCount64);
    }

    public void Dispose()
    {
        bucket.Dispose();
        _cache.Dispose();
        foreach (var reader in _readers)
            reader.Dispose();
    }

    /// <summary>An object's frame, fetched unless it was lately; its hash was compared then.</summary>
    /// <param name="size">Bytes that it must have.</param>
    /// <exception cref="CorruptObjectException">The bucket has no such object, or something else under its name.</exception>
    /// <exception cref="BucketException">The bucket does not answer.</exception>
    internal async Task<SafeFileHandle> OpenAsync(ObjectName name, long size, CancellationToken cancellation)
    {
        while (true)
        {
            if (_cache.TryOpen(name, size) is { } cached)
                return cached;
            // Whoever wants the same at the same time waits for the first, and goes away alone.
            var fetching = _fetching.GetOrAdd(name, _ => new Lazy<Task>(() => FetchAsync(name, size)));
            await fetching.Value.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

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

    internal bool Contains(ObjectName name) => Task.Run(() => FindAsync(name, CancellationToken.None)).GetAwaiter().GetResult() is not null;

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
        var (file, temporary) = _cache.Begin(name);
        try
        {
            using (file)
            {
                using (var stream = new FileStream(file, FileAccess.Write, bufferSize: 0))
                {
                    if (!await bucket.TryGetAsync(name.RelativePath, stream, size, CancellationToken.None).ConfigureAwait(false))
                        throw new CorruptObjectException(name, $"{Name} has it no more");
                    Check(name, stream.SafeFileHandle, size);
                }
            }
            _cache.Place(name, temporary, size);
        }
        catch
        {
            _cache.Discard(name, temporary);
            throw;
        }
        finally
        {
            _fetching.TryRemove(name, out _);
        }
    }

    private void Check(ObjectName name, SafeFileHandle file, long size)
    {
        var found = Posix.Stat(file, name.ToString()).Size;
        if (found != size)
            throw new CorruptObjectException(name, $"{Name} has {found} bytes of it instead of {size}");
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
