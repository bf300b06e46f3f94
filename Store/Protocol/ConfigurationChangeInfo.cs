using ContentTree.Store.Trust;

namespace ContentTree.Store.Protocol;

/// <summary>What one change did to one value.</summary>
/// <param name="Revision">The change; several values of one have the same.</param>
/// <param name="Key">Which value.</param>
/// <param name="Secret">Neither is shown.</param>
/// <param name="WasSet">There was one before.</param>
/// <param name="IsSet">There is one afterwards.</param>
/// <param name="By">Who changed it.</param>
/// <param name="Time">When.</param>
/// <param name="Before">What it said before; absent for a secret, and if there was none.</param>
/// <param name="After">What it says since; absent for a secret, and if there is none.</param>
/// <param name="Reason">Why; absent if nobody said.</param>
public sealed record ConfigurationChangeInfo(
    long Revision, ConfigurationKey Key, bool Secret, bool WasSet, bool IsSet, string By, DateTimeOffset Time, string? Before = null, string? After = null, string? Reason = null);
