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
            var encoded = Make(plan, i, content => contents[content], tree => ids[tree]).Encode();
            ids[i] = ObjectId.Of(encoded);
            add(ids[i], encoded);
        }
        return ids[0];
    }

    /// <summary>One tree of the plan, with ids for the contents and trees that it names by number.</summary>
    public static Tree Make(DeltaPlan plan, int tree, Func<int, ObjectId> content, Func<int, ObjectId> subtree) =>
        new(plan.Trees[tree].Metadata, [.. plan.Trees[tree].Entries.Select<PlannedEntry, TreeEntry>(entry => entry switch
        {
            PlannedEntry.Known known => known.Entry,
            PlannedEntry.Rebuilt file => new TreeEntry.File(file.Name, file.Metadata, plan.Contents[file.Content].Size, content(file.Content)),
            PlannedEntry.Subtree directory => new TreeEntry.Directory(directory.Name, subtree(directory.Tree)),
            _ => throw new System.Diagnostics.UnreachableException(),
        })]);
}
