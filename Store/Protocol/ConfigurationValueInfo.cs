using ContentTree.Store.Trust;

namespace ContentTree.Store.Protocol;

/// <summary>A value of the configuration.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Type">What it is.</param>
/// <param name="Secret">It is not shown.</param>
/// <param name="By">Who said so.</param>
/// <param name="Time">When.</param>
/// <param name="Value">What it says; absent for a secret.</param>
/// <param name="Reason">Why; absent if nobody said.</param>
/// <param name="Origin">The scope that it comes from, where that is another question than which scope was asked for.</param>
public sealed record ConfigurationValueInfo(
    ConfigurationKey Key, string Type, bool Secret, string By, DateTimeOffset Time, string? Value = null, string? Reason = null, string? Origin = null);
