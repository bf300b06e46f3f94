namespace ContentTree.Store.Protocol;

/// <summary>How a device's <c>/etc</c> differs from that of the tree it runs. It tells it again only when that has changed.</summary>
/// <param name="Added">Paths that the tree has not got.</param>
/// <param name="Changed">Paths with another content, owner, mode, type or attribute.</param>
/// <param name="Removed">Paths of the tree that are gone.</param>
/// <param name="Paths">The first of them, below <c>/etc</c>, each behind <c>+</c>, <c>~</c> or <c>-</c>; never a content. Absent where none is told.</param>
public sealed record DeviceDrift(int Added, int Changed, int Removed, IReadOnlyList<string>? Paths = null)
{
    /// <summary>Paths in one message.</summary>
    public const int MaxPaths = 50;

    /// <summary>Characters of a path.</summary>
    public const int MaxPath = 200;

    /// <summary>What is counted of each at most.</summary>
    public const int MaxCount = 1_000_000;

    /// <summary>All that differ.</summary>
    public long Count() => (long)Added + Changed + Removed;

    /// <summary>Whether two of them say the same.</summary>
    public bool IsSame(DeviceDrift? other) =>
        other is not null && (Added, Changed, Removed) == (other.Added, other.Changed, other.Removed) && (Paths ?? []).SequenceEqual(other.Paths ?? []);
}
