namespace ContentTree.Store.Protocol;

/// <summary>All groups.</summary>
/// <param name="Groups">Those that decide first come first.</param>
public sealed record GroupList(IReadOnlyList<GroupInfo> Groups);
