namespace ContentTree.Store.Deltas.Coding;

/// <summary>
/// A step in making the new file: <paramref name="CopyLength"/> bytes that resemble the old ones from
/// <paramref name="OldPosition"/> on, then <paramref name="LiteralLength"/> bytes that resemble none.
/// </summary>
internal readonly record struct MatchOperation(long OldPosition, int CopyLength, int LiteralLength);
