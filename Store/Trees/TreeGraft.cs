using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;

namespace ContentTree.Store.Trees;

/// <summary>
/// Puts entries at paths of a tree that is in the repository. Only the directories on the way are written anew, so the cost follows what
/// is put there, not the tree.
/// </summary>
public static class TreeGraft
{
    private const int ImplicitMode = 0x1ed;

    /// <param name="writer">Of the repository that has the tree; what was written before is complete.</param>
    /// <param name="entries">Where, and what; the name of each is its path's last. Directories on the way that are missing are root's with mode 755.</param>
    /// <returns>The new root tree.</returns>
    /// <exception cref="UnsupportedSourceException">A path leads through something that is no directory.</exception>
    public static ObjectId Put(ObjectWriter writer, ObjectId root, IReadOnlyList<(EntryPath Path, TreeEntry Entry)> entries)
    {
        using var encoder = new Lz4Encoder();
        return Put(writer, encoder, root, entries, 0);
    }

    private static ObjectId Put(ObjectWriter writer, Lz4Encoder encoder, ObjectId? directory, IReadOnlyList<(EntryPath Path, TreeEntry Entry)> entries, int depth)
    {
        var tree = directory is { } id ? writer.Repository.ReadTree(id) : new Tree(Metadata.Plain(ImplicitMode), []);
        var merged = new SortedDictionary<EntryName, TreeEntry>(tree.Entries.ToDictionary(e => e.Name));
        foreach (var group in entries.GroupBy(e => e.Path.Names[depth]))
        {
            foreach (var (_, entry) in group.Where(e => e.Path.Names.Count == depth + 1))
                merged[group.Key] = entry;
            var deeper = group.Where(e => e.Path.Names.Count > depth + 1).ToArray();
            if (deeper.Length == 0)
                continue;
            ObjectId? child = merged.GetValueOrDefault(group.Key) switch
            {
                null => null,
                TreeEntry.Directory present => present.Id,
                _ => throw new UnsupportedSourceException(deeper[0].Path.ToString(), $"is below '{group.Key}', which is no directory"),
            };
            merged[group.Key] = new TreeEntry.Directory(group.Key, Put(writer, encoder, child, deeper, depth + 1));
        }
        return writer.Write(new Tree(tree.Metadata, [.. merged.Values]), encoder);
    }
}
