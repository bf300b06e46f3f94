namespace ContentTree.Store.Protocol;

/// <summary>Whom a change of a scope's values would reach.</summary>
/// <param name="Devices">Devices of the scope.</param>
/// <param name="Changed">Those whose configuration would be another.</param>
public sealed record ConfigurationOutlook(long Devices, long Changed);
