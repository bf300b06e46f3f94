using ContentTree.Store.Objects;

namespace ContentTree.Store.Protocol;

/// <summary>A publisher asks which objects it must upload.</summary>
/// <param name="Objects">At most <see cref="MaxObjects"/>; more are asked for in several requests.</param>
/// <param name="Lease">The lease of an earlier request of the same publish, to be extended.</param>
public sealed record MissingRequest(IReadOnlyList<ObjectName> Objects, string? Lease = null)
{
    /// <summary>Objects in one request, at most.</summary>
    public const int MaxObjects = 10_000;
}
