namespace ContentTree.Store.Protocol;

/// <summary>Brings a scope's values back to what they were after an earlier change.</summary>
/// <param name="Revision">That change; 0: before the first.</param>
/// <param name="Reason">Why, one line.</param>
public sealed record ConfigurationRevertRequest(long Revision, string? Reason = null);
