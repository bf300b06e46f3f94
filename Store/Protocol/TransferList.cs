namespace ContentTree.Store.Protocol;

/// <summary>All that was said of how devices fetch content, by scope.</summary>
public sealed record TransferList(IReadOnlyList<TransferInfo> Transfers);
