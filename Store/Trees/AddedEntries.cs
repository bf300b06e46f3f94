using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;

namespace ContentTree.Store.Trees;

/// <summary>Puts what <see cref="MetadataRules"/> add into a tree that is in the repository.</summary>
internal static class AddedEntries
{
    private const int DirectoryMode = 0x1ed;

    public static ImportResult Put(ObjectWriter writer, ImportResult import, MetadataRules rules, (uint Uid, uint Gid)? owner)
    {
        using var encoder = new Lz4Encoder();
        var tree = import.Tree;
        // One after the other: a line may add to what the one before it added.
        foreach (var (path, kind, major, minor) in rules.Added)
        {
            if (Contains(writer.Repository, tree, path))
                continue;
            tree = TreeGraft.Put(writer, tree, [(path, Entry(writer, encoder, path, kind, major, minor, rules, owner))]);
            writer.Complete();
        }
        var totals = new TreeTotals(writer.Repository.ReadTree).Of(tree);
        return import with { Tree = tree, Entries = totals.Entries };
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

    private static TreeEntry Entry(
        ObjectWriter writer, Lz4Encoder encoder, EntryPath path, MetadataRules.AddedKind kind, uint major, uint minor, MetadataRules rules, (uint Uid, uint Gid)? owner)
    {
        var isDirectory = kind == MetadataRules.AddedKind.Directory;
        var plain = Metadata.Plain(isDirectory ? DirectoryMode : MetadataRules.NodeMode);
        if (owner is var (uid, gid))
            plain = plain with { Uid = uid, Gid = gid };
        var (name, metadata) = (path.Names[^1], rules.Apply(path, isDirectory, plain));
        return kind switch
        {
            MetadataRules.AddedKind.Directory => new TreeEntry.Directory(name, writer.Write(new Tree(metadata, []), encoder)),
            MetadataRules.AddedKind.Fifo => new TreeEntry.Fifo(name, metadata),
            _ => new TreeEntry.Device(name, metadata, kind == MetadataRules.AddedKind.BlockDevice, major, minor),
        };
    }
}
