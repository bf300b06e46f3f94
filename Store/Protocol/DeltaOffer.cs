using ContentTree.Store.Objects;

namespace ContentTree.Store.Protocol;

/// <summary>A delta that the repository holds.</summary>
/// <param name="Name">Its file below <c>/repo/deltas</c>, <see cref="Deltas.DeltaName"/>.</param>
/// <param name="Bytes">How long the file is.</param>
public sealed record DeltaOffer(string Name, long Bytes);
