namespace ContentTree.Store.Deltas.Generation;

/// <summary>A delta that was made, and what it cost.</summary>
/// <param name="Header">Its header.</param>
/// <param name="Cpu">Processor time, that of other programs (gzip) not included.</param>
/// <param name="KnownParts">Parts that had been coded before.</param>
public sealed record GeneratedDelta(DeltaHeader Header, TimeSpan Cpu, int KnownParts);
