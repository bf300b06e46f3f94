using ContentTree.Store.Deltas.Plans;
using ContentTree.Store.Objects;

namespace ContentTree.Store.Deltas.Application;

/// <summary>Turns planned directories into trees once the ids of the contents are known.</summary>
internal static class TreeRebuild
{
    /// <summary>Encodes all trees, children first, and hands each to <paramref name="add"/>.</summary>
    /// <param name="contents">The ids of the plan's contents.</param>
    /// <returns>The root tree's id.</returns>
    public static ObjectId Run(DeltaPlan plan, IReadOnlyList<ObjectId> contents, Action<ObjectId, byte[]> add)
    {
        if (plan.Trees.Count == 0)
            return plan.Commit.Tree;
        var ids = new ObjectId[plan.Trees.Count];
        // A directory is planned before those in it.
        for (var i = ids.Length - 1; i >= 0; i--)
        {
            var entries = plan.Trees[i].Entries.Select(e => Entry(e, plan, contents, ids)).ToArray();
            var encoded = new Tree(plan.Trees[i].Metadata, entries).Encode();
            ids[i] = ObjectId.Of(encoded);
            add(ids[i], encoded);
        }
        return ids[0];
    }

    private static TreeEntry Entry(PlannedEntry entry, DeltaPlan plan, IReadOnlyList<ObjectId> contents, ObjectId[] trees) => entry switch
    {
        PlannedEntry.Known known => known.Entry,
        PlannedEntry.Rebuilt file => new TreeEntry.File(file.Name, file.Metadata, plan.Contents[file.Content].Size, contents[file.Content]),
        PlannedEntry.Subtree directory => new TreeEntry.Directory(directory.Name, trees[directory.Tree]),
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}
