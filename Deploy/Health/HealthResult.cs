namespace ContentTree.Deploy.Health;

/// <summary>What a round of checks found.</summary>
/// <param name="Failure">The required check that failed, or null.</param>
/// <param name="Warnings">Wanted checks that failed.</param>
internal sealed record HealthResult(CheckFailure? Failure, IReadOnlyList<CheckFailure> Warnings);

/// <param name="Check">The program.</param>
/// <param name="Reason">How it ended.</param>
/// <param name="Output">The end of what it wrote.</param>
internal sealed record CheckFailure(string Check, string Reason, string Output)
{
    public override string ToString() => $"{Check} {Reason}";
}
