using ContentTree.Store.Objects;

namespace ContentTree.Store.Protocol;

/// <summary>A device asks for a delta. The answer is a <see cref="DeltaOffer"/>, or 202 and when to ask again.</summary>
/// <param name="To">The commit that it is to have.</param>
/// <param name="From">The commit that it has; absent for none.</param>
public sealed record DeltaRequest(ObjectId To, ObjectId? From = null);
