using System.Text;
using ContentTree.Store.Objects;

namespace ContentTree.Store.Repositories;

/// <summary>
/// Removes objects that no root reaches. It holds the repository's lock alone, so no publish runs meanwhile; objects
/// younger than the grace period stay, because a remote publish between two requests holds no lock.
/// </summary>
public static class GarbageCollection
{
    /// <param name="roots">Commits to keep with everything they reach.</param>
    /// <param name="grace">Age below which an unreached object stays.</param>
    /// <param name="dryRun">Counts, removes nothing.</param>
    /// <returns>Objects removed, their bytes at rest, and objects left.</returns>
    /// <exception cref="StoreLockedException">A publish is running.</exception>
    /// <exception cref="CorruptObjectException">A root's commit or tree is damaged or missing: nothing is removed then.</exception>
    public static (long Removed, long Bytes, long Kept) Run(Repository repository, IEnumerable<ObjectId> roots, TimeSpan grace, bool dryRun)
    {
        using var guard = RepositoryLock.TakeNow(repository.Root, exclusive: true);
        var closure = new RepositoryClosure(repository);
        foreach (var root in roots.SelectMany(root => WithParts(repository, root)))
        {
            closure.AddCommit(root, missing =>
            {
                // A missing tree hides what it reached; removing on half the knowledge could destroy what a repair needs.
                if (missing.Kind != ObjectKind.File)
                    throw new CorruptObjectException(missing, "is missing; run 'ctree-server fsck' before 'gc'");
            });
        }
        var cutoff = (DateTimeOffset.UtcNow - grace).ToUnixTimeMilliseconds() * 1_000_000;
        // Commits first and durably: a commit that is left, also by a killed collection, still has everything it reaches.
        var commits = Sweep(repository, closure.Reached, cutoff, dryRun, kind => kind == ObjectKind.Commit);
        if (commits.Removed > 0 && !dryRun)
            Posix.SyncFilesystem(repository.Root, repository.Path);
        var rest = Sweep(repository, closure.Reached, cutoff, dryRun, kind => kind != ObjectKind.Commit);
        if (!dryRun)
            AbandonedFiles.Sweep(repository.Root, cutoff);
        return (commits.Removed + rest.Removed, commits.Bytes + rest.Bytes, commits.Kept + rest.Kept);
    }

    // The parts of a composed commit prove it, and a commit that is there is whole.
    private static IEnumerable<ObjectId> WithParts(Repository repository, ObjectId commit)
    {
        var parts = repository.Contains(new ObjectName(ObjectKind.Commit, commit)) ? Composition.Of(repository.ReadCommit(commit))?.Inputs ?? [] : [];
        return parts.SelectMany(part => WithParts(repository, part.Commit)).Prepend(commit);
    }

    private static (long Removed, long Bytes, long Kept) Sweep(
        Repository repository, IReadOnlySet<ObjectName> reached, long cutoff, bool dryRun, Func<ObjectKind, bool> isDue)
    {
        long removed = 0, bytes = 0, kept = 0;
        for (var index = 0; index < 256; index++)
        {
            var fanout = repository.Fanout((byte)index);
            var prefix = index.ToString("x2", System.Globalization.CultureInfo.InvariantCulture);
            foreach (var (file, _) in Posix.ReadDirectory(fanout, repository.Path))
            {
                if (!ObjectName.TryParse(prefix + Encoding.UTF8.GetString(file), out var name) || !isDue(name.Kind))
                    continue;
                if (reached.Contains(name) || Posix.StatAt(fanout, file) is not { } stat || stat.ModifiedNanoseconds > cutoff)
                {
                    kept++;
                    continue;
                }
                removed++;
                bytes += stat.Size;
                if (!dryRun)
                    Posix.UnlinkAt(fanout, file);
            }
        }
        return (removed, bytes, kept);
    }
}
