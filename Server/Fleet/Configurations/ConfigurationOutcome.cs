using ContentTree.Store.Protocol;

namespace ContentTree.Server.Fleet.Configurations;

/// <summary>What came of a change.</summary>
/// <param name="After">The scope since.</param>
/// <param name="Changes">What is another now; none when all was so before.</param>
internal sealed record ConfigurationOutcome(ConfigurationInfo After, IReadOnlyList<ConfigurationChangeInfo> Changes);
