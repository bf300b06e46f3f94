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
        foreach (var root in roots)
        {
            closure.AddCommit(root, missing =>
            {
                // A missing tree hides what it reached; removing on half the knowledge could destroy what a repair needs.
                if (missing.Kind != ObjectKind.File)
                    throw new CorruptObjectException(missing, "is missing; run 'ctree-server fsck' before 'gc'");
            });
        }
        var cutoff = (DateTimeOffset.UtcNow - grace).ToUnixTimeMilliseconds() * 1_000_000;
        long removed = 0, bytes = 0, kept = 0;
        for (var index = 0; index < 256; index++)
        {
            var fanout = repository.Fanout((byte)index);
            var prefix = index.ToString("x2", System.Globalization.CultureInfo.InvariantCulture);
            foreach (var (file, _) in Posix.ReadDirectory(fanout, repository.Path))
            {
                var isKept = !ObjectName.TryParse(prefix + Encoding.UTF8.GetString(file), out var name) || closure.Reached.Contains(name) ||
                    Posix.StatAt(fanout, file) is not { } stat || stat.ModifiedNanoseconds > cutoff;
                if (isKept)
                {
                    kept++;
                    continue;
                }
                removed++;
                bytes += repository.StoredSize(name) ?? 0;
                if (!dryRun)
                    Posix.UnlinkAt(fanout, file);
            }
        }
        return (removed, bytes, kept);
    }
}
