namespace ContentTree.Server.Deltas;

/// <summary>What making a delta cost.</summary>
/// <param name="CpuSeconds">Processor time.</param>
/// <param name="Parts">Parts that it has.</param>
/// <param name="KnownParts">Parts of them that had been coded for another delta.</param>
internal sealed record DeltaCost(double CpuSeconds, int Parts, int KnownParts);
