namespace ContentTree.Store.Protocol;

/// <summary>All keys of the configuration.</summary>
/// <param name="Keys">By name.</param>
public sealed record ConfigurationKeyList(IReadOnlyList<ConfigurationKeyInfo> Keys);
