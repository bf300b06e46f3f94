using System.Collections.Concurrent;
using System.Globalization;
using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Storage.Buckets;

/// <summary>
/// Moves the objects of a data directory into a bucket, or out of it. Nothing leaves its old place before the new one has it and <c>server.conf</c> says
/// so; killed at any moment, the same move goes on.
/// </summary>
internal sealed class ObjectMove(string dataPath)
{
    private const int Parallel = 16;
    private const int Named = 10;

    private string RepositoryPath => Path.Combine(dataPath, "repo");

    /// <summary>Copies what the bucket has not, also while servers run; then, alone, leaves the rest to it.</summary>
    /// <returns>Objects and bytes that were copied.</returns>
    /// <exception cref="DatabaseTakenException">A server runs, or the objects are in another bucket.</exception>
    public async Task<(long Objects, long Bytes)> ToBucketAsync(string text, CancellationToken cancellation)
    {
        var address = BucketAddress.Parse(text);
        RequireNoOther(address);
        var copied = (Objects: 0L, Bytes: 0L);
        using (var data = DataDirectory.Open(dataPath))
        {
            // Nothing that is copied here is removed meanwhile.
            using var guard = data.Repository.HoldGarbage();
            await CopyAsync(data.Repository, address, (objects, bytes) => copied = (copied.Objects + objects, copied.Bytes + bytes), cancellation);
        }
        using var serving = DataDirectory.LockServing(dataPath, exclusive: true);
        using var repository = Repository.Open(RepositoryPath, ObjectPlace.Open(dataPath));
        repository.PutBack();
        repository.RemoveUnexchanged();
        await CopyAsync(repository, address, (objects, bytes) => copied = (copied.Objects + objects, copied.Bytes + bytes), cancellation);
        SettingsFile.Write(dataPath, ServerSettings.ObjectsKey, text);
        ObjectPlace.Remember(dataPath, address);
        await LeaveAsync(repository, address, cancellation);
        return copied;
    }

    /// <summary>
    /// Brings all objects back: what it can while servers run, then, alone, the rest. The bucket stays as it is. An object that does not come stops none of
    /// the others, but as long as there is one the bucket stays in use.
    /// </summary>
    /// <exception cref="BucketException">Some did not come.</exception>
    public async Task<(long Objects, long Bytes)> ToDirectoryAsync(CancellationToken cancellation)
    {
        var fetched = (Objects: 0L, Bytes: 0L);
        void Count(long objects, long bytes) => fetched = (fetched.Objects + objects, fetched.Bytes + bytes);
        // Where the line is missing, an earlier move was killed at its end, or somebody has lost it.
        if (ServerSettings.Load(dataPath).Objects is not null)
        {
            using var data = DataDirectory.Open(dataPath);
            using var guard = data.Repository.HoldGarbage();
            await FetchAsync(data.Repository, Count, cancellation);
        }
        using var serving = DataDirectory.LockServing(dataPath, exclusive: true);
        var settings = ServerSettings.Load(dataPath);
        using var bucket = settings.Objects is { } address ? ObjectPlace.Connect(dataPath, settings, address) : null;
        // Disposes of the bucket twice, which does no harm.
        using var repository = Repository.Open(RepositoryPath, bucket);
        repository.PutBack();
        repository.RemoveUnexchanged();
        if (await FetchAsync(repository, Count, cancellation) is { Count: > 0 } missing)
            throw new BucketException(string.Create(CultureInfo.InvariantCulture, $"{missing.Count} of the objects did not come, the others did: {string.Join("; ", missing.Take(Named))}; say the same again when the bucket has them, or publish what they belong to once more (fsck names it)"));
        SettingsFile.Write(dataPath, ServerSettings.ObjectsKey, null);
        ObjectPlace.Forget(dataPath);
        if (bucket is not null)
            await bucket.ReleaseAsync(cancellation);
        return fetched;
    }

    /// <returns>Why some did not come.</returns>
    private async Task<IReadOnlyCollection<string>> FetchAsync(Repository repository, Action<long, long> count, CancellationToken cancellation)
    {
        var missing = new ConcurrentQueue<string>();
        var options = new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = cancellation };
        for (var first = 0; first < 256; first++)
        {
            var bytes = new ConcurrentBag<long>();
            await System.Threading.Tasks.Parallel.ForEachAsync(repository.List((byte)first).Where(repository.IsInBucket), options, async (name, stop) =>
            {
                if (repository.Bucket is null)
                    throw new DatabaseTakenException($"{dataPath}: some objects are in a bucket that {ServerSettings.FileName} does not name ('{ServerSettings.ObjectsKey} = ...')");
                try
                {
                    bytes.Add(await repository.BringBackAsync(name, stop));
                }
                catch (Exception e) when (e is CorruptObjectException or ObjectNotFoundException)
                {
                    missing.Enqueue(e.Message);
                }
            });
            repository.Sync();
            count(bytes.Count, bytes.Sum());
        }
        return missing;
    }

    private void RequireNoOther(BucketAddress address)
    {
        if (ServerSettings.Load(dataPath).Objects is { } present && present.Name != address.Name)
            throw new DatabaseTakenException($"{dataPath}: the objects are in {present.Name}; bring them back first (--objects-to directory)");
    }

    private async Task CopyAsync(Repository repository, BucketAddress address, Action<long, long> copied, CancellationToken cancellation)
    {
        using var bucket = ObjectPlace.Connect(dataPath, ServerSettings.Load(dataPath), address);
        ObjectPlace.Claim(bucket);
        var first = 0;
        await foreach (var there in bucket.ListAsync(cancellation))
        {
            var bytes = new ConcurrentBag<long>();
            var options = new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = cancellation };
            await System.Threading.Tasks.Parallel.ForEachAsync(repository.List((byte)first++).Where(name => !repository.IsInBucket(name)), options, async (name, stop) =>
            {
                using var file = repository.OpenStored(name);
                var size = Posix.Stat(file, name.ToString()).Size;
                if (there.TryGetValue(name, out var found) && bucket.HasSame(found, file, size))
                    return;
                await bucket.PutAsync(name, file, size, stop);
                bytes.Add(size);
            });
            copied(bytes.Count, bytes.Sum());
        }
    }

    private async Task LeaveAsync(Repository repository, BucketAddress address, CancellationToken cancellation)
    {
        using var bucket = ObjectPlace.Connect(dataPath, ServerSettings.Load(dataPath), address);
        var first = 0;
        await foreach (var there in bucket.ListAsync(cancellation))
        {
            foreach (var name in repository.List((byte)first++).Where(name => name.Kind == ObjectKind.File && !repository.IsInBucket(name)))
            {
                if (!there.TryGetValue(name, out var found) || found.Size != repository.StoredSize(name))
                    throw new BucketException($"{bucket.Name}: {name} was put there and is not there; say the same again");
                repository.LeaveToBucket(name);
            }
            repository.Sync();
        }
    }
}
