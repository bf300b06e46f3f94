using ContentTree.Store.Objects;

namespace ContentTree.Store.Repositories;

/// <summary>
/// Removes objects that no root reaches, beside publishes, which it never stops: it spares what they may have been told is here
/// (<see cref="PublishLeases"/>) and what is younger than the grace period, because a remote publish holds nothing between two requests.
/// Memory is 33 bytes an object.
/// </summary>
public static class GarbageCollection
{
    private const int StrayTogether = 256;
    private static readonly TimeSpan ClockStep = TimeSpan.FromMilliseconds(1);

    // By the bucket's clock, and longer than any request to it takes.
    private static readonly TimeSpan StrayFor = TimeSpan.FromDays(1);

    /// <param name="repository">Where.</param>
    /// <param name="roots">Commits to keep with everything they reach; read when no publish that ended before can be overlooked.</param>
    /// <param name="grace">Age below which an unreached object stays.</param>
    /// <param name="dryRun">Counts, removes nothing.</param>
    /// <exception cref="StoreLockedException">A backup or another collection is running.</exception>
    /// <exception cref="CorruptObjectException">A root's commit or tree is damaged or missing: nothing is removed then. Below what is only spared that stops nothing.</exception>
    public static CollectedGarbage Run(Repository repository, IEnumerable<ObjectId> roots, TimeSpan grace, bool dryRun)
    {
        using var guard = RepositoryLock.TakeNow(repository.Root);
        using var aside = SetAside.Open(repository);
        // In this order: a publish that is not seen here ended before, and its head is among the roots.
        var now = ReadClock(repository);
        var cutoff = Math.Min(now - (long)grace.TotalMilliseconds * 1_000_000, PublishLeases.SparedAfter(repository.Root));
        var wanted = roots.ToArray();
        var marks = new ObjectMarks(repository);
        new ReachMarking(repository, marks, isStrict: true).Add(wanted);
        // What commits reach may be older than they, and so may the parts of composed ones.
        var spared = new ReachMarking(repository, marks, isStrict: false);
        var unneeded = Commits(marks);
        spared.Add(unneeded.Where(commit => ModifiedAt(repository, commit) >= cutoff));
        var sweep = new Sweep(repository, marks, aside, cutoff, dryRun);
        // Commits first and durably: a commit that is left, also by a killed collection, still has everything it reaches.
        sweep.Run(commits: true);
        if (sweep.Removed > 0 && !dryRun)
            Posix.SyncFilesystem(repository.Root, repository.Path);
        // Those that somebody has renewed or put back since are whole too.
        spared.Add(Commits(marks).Except(sweep.Commits));
        sweep.Run(commits: false);
        if (!dryRun)
        {
            AbandonedFiles.Sweep(repository.Root, cutoff);
            RemoveStray(repository, aside);
        }
        return new CollectedGarbage(sweep.Removed, sweep.Bytes, marks.Count - sweep.Removed) { Commits = sweep.Commits, Spared = [.. unneeded.Except(sweep.Commits)] };
    }

    private static void RemoveStray(Repository repository, SetAside aside)
    {
        if (repository.Bucket is not { } bucket)
            return;
        if (!Task.Run(() => bucket.TryClaimAsync(CancellationToken.None)).GetAwaiter().GetResult())
            throw new BucketException($"{bucket.Name} has another directory's objects as well; nothing but what had its place here was removed from it");
        var latest = DateTimeOffset.UtcNow - StrayFor;
        foreach (var found in bucket.ListAsync(CancellationToken.None).ToBlockingEnumerable())
        {
            foreach (var names in found.Where(stored => stored.Value.Put < latest && !repository.Contains(stored.Key)).Select(stored => stored.Key).Chunk(StrayTogether))
                aside.RemoveStray(names);
        }
    }

    private static ObjectId[] Commits(ObjectMarks marks) =>
        [.. Enumerable.Range(0, 256).SelectMany(first => marks.Unmarked((byte)first)).Where(name => name.Kind == ObjectKind.Commit).Select(name => name.Id)];

    private static long ModifiedAt(Repository repository, ObjectId commit) =>
        Posix.StatAt(repository.Fanout(commit), Repository.FileName(new ObjectName(ObjectKind.Commit, commit)))?.ModifiedNanoseconds ?? 0;

    // The filesystem's own clock, which runs in steps, one step on: whatever was written before this is older.
    private static long ReadClock(Repository repository)
    {
        var first = Touch(repository);
        while (true)
        {
            if (Touch(repository) is var now && now != first)
                return now;
            Thread.Sleep(ClockStep);
        }
    }

    private static long Touch(Repository repository)
    {
        Posix.TouchAt(repository.Root, "lock"u8);
        return Posix.StatAt(repository.Root, "lock"u8)?.ModifiedNanoseconds ?? throw new IOException($"{repository.Path}/lock: removed while it was held");
    }

    private sealed class Sweep(Repository repository, ObjectMarks marks, SetAside aside, long cutoff, bool dryRun)
    {
        public long Removed { get; private set; }

        public long Bytes { get; private set; }

        public List<ObjectId> Commits { get; } = [];

        public void Run(bool commits)
        {
            for (var first = 0; first < 256; first++)
            {
                foreach (var name in marks.Unmarked((byte)first).Where(name => (name.Kind == ObjectKind.Commit) == commits))
                {
                    var stat = Posix.StatAt(repository.Fanout((byte)first), Repository.FileName(name));
                    var isRemoved = stat is { } found && found.ModifiedNanoseconds < cutoff && (dryRun || aside.TryRemove(name, cutoff));
                    if (!isRemoved)
                        continue;
                    Removed++;
                    Bytes += stat?.Size ?? 0;
                    if (commits)
                        Commits.Add(name.Id);
                }
            }
            aside.Complete();
        }
    }
}
