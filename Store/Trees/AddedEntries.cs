using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;

namespace ContentTree.Store.Trees;

/// <summary>Puts what <see cref="MetadataRules"/> add into a tree that is in the repository, as <see cref="TreeAssembly"/> would have.</summary>
internal static class AddedEntries
{
    private const int DirectoryMode = 0x1ed;

    public static ImportResult Put(ObjectWriter writer, ImportResult import, MetadataRules rules, (uint Uid, uint Gid)? owner)
    {
        Metadata Ruled(EntryPath path, int mode, bool isDirectory)
        {
            var plain = owner is var (uid, gid) ? new Metadata(mode, uid, gid, []) : Metadata.Plain(mode);
            return rules.Apply(path, isDirectory, plain);
        }
        using var encoder = new Lz4Encoder();
        var graft = new TreeGraft(writer.Repository.ReadTree, made => writer.Write(made, encoder), path => Ruled(path, DirectoryMode, isDirectory: true));
        var tree = graft.Put(import.Tree, [.. New(writer.Repository, import.Tree, rules).Select(added => (added.Path, added.Kind switch
        {
            MetadataRules.AddedKind.Directory => null,
            MetadataRules.AddedKind.Fifo => new TreeEntry.Fifo(added.Path.Names[^1], Ruled(added.Path, MetadataRules.NodeMode, isDirectory: false)),
            _ => (TreeEntry)new TreeEntry.Device(added.Path.Names[^1], Ruled(added.Path, MetadataRules.NodeMode, isDirectory: false),
                added.Kind == MetadataRules.AddedKind.BlockDevice, added.Major, added.Minor),
        }))]);
        writer.Complete();
        return import with { Tree = tree, Entries = new TreeTotals(writer.Repository.ReadTree).Of(tree).Entries };
    }

    // What a line before has added, or needed as a directory, is there for the lines after it.
    private static IEnumerable<(EntryPath Path, MetadataRules.AddedKind Kind, uint Major, uint Minor)> New(Repository repository, ObjectId tree, MetadataRules rules)
    {
        var there = new HashSet<EntryPath>();
        foreach (var added in rules.Added)
        {
            if (there.Contains(added.Path) || Contains(repository, tree, added.Path))
                continue;
            for (var count = 1; count <= added.Path.Names.Count; count++)
                there.Add(added.Path.FirstNames(count));
            yield return added;
        }
    }

    private static bool Contains(Repository repository, ObjectId root, EntryPath path)
    {
        TreeEntry? entry = null;
        foreach (var name in path.Names)
        {
            var tree = entry is TreeEntry.Directory directory ? repository.ReadTree(directory.Id) : entry is null ? repository.ReadTree(root) : null;
            if ((entry = tree?.Find(name)) is null)
                return false;
        }
        return true;
    }
}
