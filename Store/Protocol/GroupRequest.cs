namespace ContentTree.Store.Protocol;

/// <summary>Makes or changes a group.</summary>
/// <param name="Rank">Of a device's groups the one with the lowest rank decides first; absent for as it is, else 100.</param>
/// <param name="Filter">Who is in it besides those that are named; empty for nobody, absent for as it is.</param>
/// <param name="SilentPolls">Polls that its devices may miss before they count as silent: 0 for any number, -1 for as many as the server says; absent for as it is.</param>
public sealed record GroupRequest(long? Rank = null, string? Filter = null, long? SilentPolls = null);
