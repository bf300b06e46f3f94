using ContentTree.Store.Objects;

namespace ContentTree.Store.Protocol;

/// <summary>What the repository has not got.</summary>
/// <param name="Missing">To be uploaded.</param>
/// <param name="Lease">Keeps the others from garbage collection until the head has moved.</param>
public sealed record MissingAnswer(IReadOnlyList<ObjectName> Missing, string Lease);
