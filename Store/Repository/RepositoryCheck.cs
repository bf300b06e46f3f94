using System.Collections.Concurrent;
using System.Text;
using ContentTree.Store.Objects;

namespace ContentTree.Store.Repositories;

/// <summary>One thing that is wrong with a repository or store: which object, and what.</summary>
public sealed record Damage(string What, string Reason);

/// <summary>Checks every object of a repository by decoding and hashing it.</summary>
public static class RepositoryCheck
{
    /// <summary>Reads all objects, on all processors.</summary>
    /// <returns>Objects and content bytes checked, and the damage found, by object name.</returns>
    /// <exception cref="BucketException">The bucket that has objects does not answer: what it has is not known then.</exception>
    public static (long Objects, long Bytes, IReadOnlyList<Damage> Damage) Run(Repository repository, CancellationToken cancellation = default)
    {
        var damage = new ConcurrentBag<Damage>();
        long objects = 0, bytes = 0;
        // Nothing is to leave while it is looked for.
        using var guard = repository.HoldGarbage();
        Read(0, 256, new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount }, () => new StoredContent(repository, isFresh: true), (index, _, content) =>
        {
            var prefix = index.ToString("x2", System.Globalization.CultureInfo.InvariantCulture);
            foreach (var (bytesOfName, _) in Posix.ReadDirectory(repository.Fanout((byte)index), repository.Path))
            {
                cancellation.ThrowIfCancellationRequested();
                var text = prefix + Encoding.UTF8.GetString(bytesOfName);
                if (ObjectName.TryParse(text, out var name))
                {
                    Interlocked.Increment(ref objects);
                    Interlocked.Add(ref bytes, CheckOne(repository, content, name, damage));
                }
                else
                {
                    damage.Add(new Damage(text, "is no object's name"));
                }
            }
            return content;
        }, content => content.Dispose());
        FindUnsent(repository, damage, cancellation);
        return (objects, bytes, damage.OrderBy(d => d.What, StringComparer.Ordinal).ToArray());
    }

    private static void Read(int from, int to, ParallelOptions options, Func<StoredContent> begin, Func<int, ParallelLoopState, StoredContent, StoredContent> body, Action<StoredContent> end)
    {
        try
        {
            Parallel.For(from, to, options, begin, body, end);
        }
        catch (AggregateException e) when (e.InnerExceptions.OfType<BucketException>().FirstOrDefault() is { } away)
        {
            throw away;
        }
    }

    // Commits and trees are read here; the bucket is to have them all the same.
    private static void FindUnsent(Repository repository, ConcurrentBag<Damage> damage, CancellationToken cancellation)
    {
        if (repository.Bucket is not { } bucket)
            return;
        var first = 0;
        foreach (var there in bucket.ListAsync(cancellation).ToBlockingEnumerable(cancellation))
        {
            foreach (var name in repository.List((byte)first++).Where(name => !there.ContainsKey(name) && (name.Kind != ObjectKind.File || !repository.IsInBucket(name))))
                damage.Add(new Damage(name.ToString(), $"is not in {bucket.Name}; 'ctree-server migrate --objects-to' the same bucket puts it there"));
        }
    }

    private static long CheckOne(Repository repository, StoredContent content, ObjectName name, ConcurrentBag<Damage> damage)
    {
        try
        {
            var size = content.Read(name);
            if (name.Kind == ObjectKind.Tree)
                repository.ReadTree(name.Id);
            else if (name.Kind == ObjectKind.Commit)
                repository.ReadCommit(name.Id);
            return size;
        }
        catch (CorruptObjectException e)
        {
            damage.Add(new Damage(name.ToString(), e.Message));
            return 0;
        }
        catch (IOException e) when (e is not BucketException)
        {
            damage.Add(new Damage(name.ToString(), e.Message));
            return 0;
        }
    }
}
