using ContentTree.Store.Deltas.Generation;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Deltas;

/// <summary>A delta that is there now.</summary>
/// <param name="Made">How it was made; null when it was there before.</param>
internal sealed record MadeDelta(DeltaOffer Offer, GeneratedDelta? Made);
