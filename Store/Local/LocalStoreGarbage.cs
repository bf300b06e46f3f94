using System.Text;
using ContentTree.Store.Objects;

namespace ContentTree.Store.Local;

/// <summary>Removes from a device's store what no deployment and no kept commit needs.</summary>
public static class LocalStoreGarbage
{
    /// <param name="store">The store; nobody else is writing to it.</param>
    /// <param name="keep">Commits that stay with everything they reach. Commits not named here are removed first, so a
    /// crash never leaves a commit whose objects are gone.</param>
    /// <returns>Objects removed and the bytes of those that no deployment links any more.</returns>
    public static (long Removed, long Bytes) Run(LocalStore store, IEnumerable<ObjectId> keep)
    {
        var wanted = keep.ToHashSet();
        var kept = wanted.Where(store.ContainsCommit).ToHashSet();
        var files = new HashSet<StoredFile>();
        var trees = new HashSet<ObjectId>();
        var closure = new StoreClosure(store);
        foreach (var commit in kept)
            closure.Visit(store.ReadCommit(commit).Tree, (file, _) => files.Add(file), tree => trees.Add(tree));
        var dropped = store.Commits().Where(c => !kept.Contains(c)).ToArray();
        foreach (var commit in dropped)
            Posix.UnlinkAt(store.Fanout(commit), LocalStore.FanoutName(new ObjectName(ObjectKind.Commit, commit)));
        if (dropped.Length > 0)
            Posix.SyncFilesystem(store.Root, store.Path);
        // A commit that is still to come goes on with what is there.
        if (kept.Count == wanted.Count)
            RemoveIncoming(store);
        TreeCheckout.Remove(store.Root, LocalStoreCheck.QuarantineName);
        return RemoveUnreached(store, files, trees, dropped.Length);
    }

    private static void RemoveIncoming(LocalStore store)
    {
        foreach (var (name, _) in Posix.ReadDirectory(store.Incoming, store.Path))
            Posix.UnlinkAt(store.Incoming, name);
    }

    private static (long, long) RemoveUnreached(LocalStore store, HashSet<StoredFile> files, HashSet<ObjectId> trees, long removed)
    {
        long bytes = 0;
        store.ForEachName((prefix, name) =>
        {
            var flat = Encoding.ASCII.GetBytes(prefix).Concat(name).ToArray();
            var isFile = StoredFile.TryParse(flat, out var file);
            var isRaw = ObjectName.TryParse(Encoding.ASCII.GetString(flat), out var raw);
            var unreached = DurableFiles.IsTemporary(name) || (isFile && !files.Contains(file)) || (isRaw && raw.Kind == ObjectKind.Tree && !trees.Contains(raw.Id));
            if (!unreached)
                return;
            var fanout = store.Fanout(Convert.FromHexString(prefix)[0]);
            if (Posix.StatAt(fanout, name) is { Links: 1 } stat)
                bytes += stat.Blocks * 512;
            Posix.UnlinkAt(fanout, name);
            removed++;
        });
        store.ForgetListing();
        return (removed, bytes);
    }
}
