using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;

namespace ContentTree.Store.Trees;

/// <summary>
/// Puts entries at paths of a tree that is in the repository. Only the directories on the way are written anew, so the cost follows what
/// is put there, not the tree.
/// </summary>
/// <param name="writer">Of the repository that has the tree; what was written before is complete.</param>
/// <param name="missing">What directories get that are not there yet.</param>
public sealed class TreeGraft(ObjectWriter writer, Func<EntryPath, Metadata> missing) : IDisposable
{
    private readonly Lz4Encoder _encoder = new();

    public void Dispose() => _encoder.Dispose();

    /// <param name="entries">Where, and what; the name of each is its path's last. Without an entry there is to be a directory.</param>
    /// <returns>The new root tree; durable with the writer's Complete.</returns>
    /// <exception cref="UnsupportedSourceException">A path leads through something that is no directory.</exception>
    public ObjectId Put(ObjectId root, IReadOnlyList<(EntryPath Path, TreeEntry? Entry)> entries) => Put(root, EntryPath.Root, entries);

    private ObjectId Put(ObjectId? directory, EntryPath at, IReadOnlyList<(EntryPath Path, TreeEntry? Entry)> entries)
    {
        var depth = at.Names.Count;
        var tree = directory is { } id ? writer.Repository.ReadTree(id) : new Tree(missing(at), []);
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
                _ => throw new UnsupportedSourceException(inside[0].Path.ToString(), $"is below '{group.Key}', which is no directory"),
            };
            merged[group.Key] = new TreeEntry.Directory(group.Key, Put(child, at.Append(group.Key), inside));
        }
        return writer.Write(new Tree(tree.Metadata, [.. merged.Values]), _encoder);
    }
}
