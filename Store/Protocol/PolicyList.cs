namespace ContentTree.Store.Protocol;

/// <summary>All that was said of devices, groups and branches.</summary>
/// <param name="Policies">By scope.</param>
public sealed record PolicyList(IReadOnlyList<PolicyInfo> Policies);
