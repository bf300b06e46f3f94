namespace ContentTree.Store.Objects;

/// <summary>
/// Puts entries at paths of a tree. Only the directories on the way are read and made anew, so the cost follows what is put there, not
/// the tree.
/// </summary>
/// <param name="read">A tree by its id.</param>
/// <param name="write">Takes a new tree; gives its id.</param>
/// <param name="missing">What directories get that are not there yet.</param>
public sealed class TreeGraft(Func<ObjectId, Tree> read, Func<Tree, ObjectId> write, Func<EntryPath, Metadata> missing)
{
    /// <param name="root">The tree.</param>
    /// <param name="entries">Where, and what; the name of each is its path's last. Without an entry there is to be a directory.</param>
    /// <returns>The new root tree.</returns>
    /// <exception cref="FormatException">A path leads through something that is no directory.</exception>
    public ObjectId Put(ObjectId root, IReadOnlyList<(EntryPath Path, TreeEntry? Entry)> entries) =>
        entries.Count == 0 ? root : Put(root, EntryPath.Root, entries);

    private ObjectId Put(ObjectId? directory, EntryPath at, IReadOnlyList<(EntryPath Path, TreeEntry? Entry)> entries)
    {
        var depth = at.Names.Count;
        var tree = directory is { } id ? read(id) : new Tree(missing(at), []);
        var merged = new SortedDictionary<EntryName, TreeEntry>(tree.Entries.ToDictionary(e => e.Name));
        foreach (var group in entries.Where(e => e.Path.Names.Count > depth).GroupBy(e => e.Path.Names[depth]))
        {
            foreach (var entry in group.Where(e => e.Path.Names.Count == depth + 1).Select(e => e.Entry).OfType<TreeEntry>())
                merged[group.Key] = entry;
            var inside = group.Where(e => e.Path.Names.Count > depth + 1 || e.Entry is null).ToArray();
            if (inside.Length == 0)
                continue;
            ObjectId? child = merged.GetValueOrDefault(group.Key) switch
            {
                null => null,
                TreeEntry.Directory present => present.Id,
                _ => throw new FormatException($"{inside[0].Path}: is below '{group.Key}', which is no directory"),
            };
            merged[group.Key] = new TreeEntry.Directory(group.Key, Put(child, at.Append(group.Key), inside));
        }
        return write(new Tree(tree.Metadata, [.. merged.Values]));
    }
}
