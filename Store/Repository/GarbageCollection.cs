using ContentTree.Store.Objects;

namespace ContentTree.Store.Repositories;

/// <summary>
/// Removes objects that no root reaches, beside publishes, which it never stops: it spares what they may have been told is here
/// (<see cref="PublishLeases"/>) and what is younger than the grace period, because a remote publish holds nothing between two requests.
/// Memory is 33 bytes an object.
/// </summary>
public static class GarbageCollection
{
    private static readonly TimeSpan ClockStep = TimeSpan.FromMilliseconds(1);

    /// <param name="repository">Where.</param>
    /// <param name="roots">Commits to keep with everything they reach; read when no publish that ended before can be overlooked.</param>
    /// <param name="grace">Age below which an unreached object stays.</param>
    /// <param name="dryRun">Counts, removes nothing.</param>
    /// <exception cref="StoreLockedException">A backup or another collection is running.</exception>
    /// <exception cref="CorruptObjectException">A root's commit or tree is damaged or missing: nothing is removed then.</exception>
    public static CollectedGarbage Run(Repository repository, IEnumerable<ObjectId> roots, TimeSpan grace, bool dryRun)
    {
        using var guard = RepositoryLock.TakeNow(repository.Root);
        using var aside = SetAside.Open(repository);
        // In this order: a publish that is not seen here ended before, and its head is among the roots.
        var now = ReadClock(repository);
        var cutoff = Math.Min(now - (long)grace.TotalMilliseconds * 1_000_000, PublishLeases.SparedAfter(repository.Root));
        var wanted = roots.ToArray();
        var marks = new ObjectMarks(repository);
        foreach (var root in wanted.SelectMany(root => WithParts(repository, root)))
            Mark(repository, marks, root);
        var sweep = new Sweep(repository, marks, aside, cutoff, dryRun);
        // Commits first and durably: a commit that is left, also by a killed collection, still has everything it reaches.
        sweep.Run(commits: true);
        if (sweep.Removed > 0 && !dryRun)
            Posix.SyncFilesystem(repository.Root, repository.Path);
        sweep.Run(commits: false);
        if (!dryRun)
            AbandonedFiles.Sweep(repository.Root, cutoff);
        return new CollectedGarbage(sweep.Removed, sweep.Bytes, marks.Count - sweep.Removed) { Commits = sweep.Commits, Spared = sweep.Spared };
    }

    // The parts of a composed commit prove it, and a commit that is there is whole.
    private static IEnumerable<ObjectId> WithParts(Repository repository, ObjectId commit)
    {
        var parts = repository.Contains(new ObjectName(ObjectKind.Commit, commit)) ? Composition.Of(repository.ReadCommit(commit))?.Inputs ?? [] : [];
        return parts.SelectMany(part => WithParts(repository, part.Commit)).Prepend(commit);
    }

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

    // A missing tree hides what it reached; removing on half the knowledge could destroy what a repair needs.
    private static void Mark(Repository repository, ObjectMarks marks, ObjectId commit)
    {
        if (!IsNew(marks, new ObjectName(ObjectKind.Commit, commit)))
            return;
        var open = new Stack<(ObjectId Id, int Depth)>([(repository.ReadCommit(commit).Tree, 0)]);
        while (open.TryPop(out var next))
        {
            var name = new ObjectName(ObjectKind.Tree, next.Id);
            if (!IsNew(marks, name))
                continue;
            if (next.Depth > Tree.MaxDepth)
                throw new CorruptObjectException(name, "is nested too deep");
            foreach (var entry in repository.ReadTree(next.Id).Entries)
            {
                if (entry is TreeEntry.Directory directory)
                    open.Push((directory.Id, next.Depth + 1));
                else if (entry is TreeEntry.File file)
                    marks.TryMark(new ObjectName(ObjectKind.File, file.Id));
            }
        }
    }

    private static bool IsNew(ObjectMarks marks, ObjectName name) =>
        marks.TryMark(name) ?? throw new CorruptObjectException(name, "is missing; run 'ctree-server fsck' before 'gc'");

    private sealed class Sweep(Repository repository, ObjectMarks marks, SetAside aside, long cutoff, bool dryRun)
    {
        public long Removed { get; private set; }

        public long Bytes { get; private set; }

        public List<ObjectId> Commits { get; } = [];

        public List<ObjectId> Spared { get; } = [];

        public void Run(bool commits)
        {
            for (var first = 0; first < 256; first++)
            {
                foreach (var name in marks.Unmarked((byte)first).Where(name => (name.Kind == ObjectKind.Commit) == commits))
                {
                    var stat = Posix.StatAt(repository.Fanout((byte)first), Repository.FileName(name));
                    var isRemoved = stat is { } found && found.ModifiedNanoseconds < cutoff && (dryRun || aside.TryRemove(name, cutoff));
                    if (isRemoved)
                    {
                        Removed++;
                        Bytes += stat?.Size ?? 0;
                    }
                    if (commits)
                        (isRemoved ? Commits : Spared).Add(name.Id);
                }
            }
        }
    }
}
