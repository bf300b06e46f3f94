using ContentTree.Store.Deltas;

namespace ContentTree.Server.Deltas;

/// <summary>A delta's file.</summary>
/// <param name="Used">When it was made or last of use, to the hour.</param>
internal sealed record StoredDelta(DeltaName Name, long Bytes, DateTime Used);
