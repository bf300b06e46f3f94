using ContentTree.Store.Objects;

namespace ContentTree.Store.Repositories;

/// <summary>What a garbage collection did or, in a dry run, would have done.</summary>
/// <param name="Removed">Objects removed.</param>
/// <param name="Bytes">Their bytes at rest.</param>
/// <param name="Kept">Objects left.</param>
public sealed record CollectedGarbage(long Removed, long Bytes, long Kept)
{
    /// <summary>The commits among those removed.</summary>
    public IReadOnlyList<ObjectId> Commits { get; init; } = [];

    /// <summary>Commits that nothing reaches and that are too young, or promised to a publish that is under way, and the parts of such commits.</summary>
    public IReadOnlyList<ObjectId> Spared { get; init; } = [];
}
