using ContentTree.Store.Objects;

namespace ContentTree.Store.Deltas.Plans;

/// <summary>What a name of a <see cref="PlannedTree"/> stands for.</summary>
internal abstract record PlannedEntry
{
    private PlannedEntry()
    {
    }

    /// <summary>An entry that is complete: nothing it refers to is rebuilt by the delta.</summary>
    public sealed record Known(TreeEntry Entry) : PlannedEntry;

    /// <summary>A file whose content the delta rebuilds: <paramref name="Content"/> counts <see cref="DeltaPlan.Contents"/>.</summary>
    public sealed record Rebuilt(EntryName Name, Metadata Metadata, int Content) : PlannedEntry;

    /// <summary>A directory that is itself planned: <paramref name="Tree"/> counts <see cref="DeltaPlan.Trees"/> and is larger than its parent's.</summary>
    public sealed record Subtree(EntryName Name, int Tree) : PlannedEntry;
}
