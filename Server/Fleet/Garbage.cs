using System.Globalization;
using ContentTree.Server.Deltas;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Fleet;

/// <summary>Removes commits that nothing and no device needs, with their objects and deltas, and says why others stay.</summary>
internal sealed class Garbage(DataDirectory data, Devices devices, DeltaStore deltas, TimeProvider time)
{
    private const string Young = "younger than the grace period, promised to a publish that is under way, or a part of such a commit";

    /// <param name="roots">Commits that stay whatever the rules say.</param>
    /// <exception cref="StoreLockedException">A backup or another collection is under way.</exception>
    public GarbageInfo Collect(GarbageRequest request, IReadOnlyList<ObjectId> roots, CancellationToken cancellation)
    {
        var (retention, kept) = (new Retention(data, data.OpenDatabase(), devices, time, request.Keep), new KeptCommits());
        var removed = GarbageCollection.Run(data.Repository, Needed(), TimeSpan.FromHours(request.GraceHours ?? GarbageRequest.DefaultGraceHours), request.DryRun);
        // After the objects: what went with them tells which deltas lead nowhere.
        var gone = removed.Commits.ToHashSet();
        var (count, bytes) = deltas.Collect(id => !gone.Contains(id) && data.Repository.Contains(new ObjectName(ObjectKind.Commit, id)), request.DryRun, cancellation);
        var beyond = kept.BeyondBranches.ToHashSet();
        KeptCommit[] all = [.. kept.All.Select(c => new KeptCommit(c, kept.ReasonsOf(c), !beyond.Contains(c))), .. removed.Spared.Select(c => new KeptCommit(c, [Young]))];
        var about = removed.Commits.Concat(all.Where(c => !c.ByBranch).Select(c => c.Commit)).Distinct().ToDictionary(c => c.ToString(), Describe);
        return new GarbageInfo(request.DryRun, removed.Removed, removed.Bytes, removed.Kept, count, bytes, removed.Commits, all,
            [.. retention.Silent.Select(need => new SilentDevice(need.Device, need.Name, need.LastSeen))], about);

        // Lazily: heads are read when the collection has begun.
        IEnumerable<ObjectId> Needed()
        {
            kept = retention.Find(roots);
            foreach (var commit in kept.All)
                yield return commit;
        }
    }

    // A commit that is gone by now says nothing more.
    private string Describe(ObjectId id)
    {
        try
        {
            var commit = data.Repository.ReadCommit(id);
            return string.Join(' ', new[] { commit.Created.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture), commit.Version, commit.Subject }.Where(t => t.Length > 0));
        }
        catch (Exception e) when (e is CorruptObjectException or ObjectNotFoundException)
        {
            return "";
        }
    }
}
