using ContentTree.Store.Trust;

namespace ContentTree.Deploy.State;

/// <summary>How far the device is with its configuration. <c>state/configuration.json</c>.</summary>
/// <param name="Applied">The counter of the one that is in place and that all were told of who want to know; 0 for none.</param>
/// <param name="Due">Keys that have changed since those were told; null when they know. Written before anything changes.</param>
internal sealed record ConfigurationState(long Applied = 0, IReadOnlyList<ConfigurationKey>? Due = null)
{
    public string Schema { get; init; } = "ctree.configured/1";
}
