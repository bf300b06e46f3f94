namespace ContentTree.Store.Protocol;

/// <summary>Says what the devices of a scope are to do.</summary>
/// <param name="Action"><c>follow</c>, <c>pin</c>, <c>ceiling</c> or <c>hold</c>.</param>
/// <param name="Commit">With <c>pin</c> and <c>ceiling</c>: a commit, as people name it.</param>
/// <param name="Reason">Why, one line; people at the device read it.</param>
/// <param name="Expires">When it ends by itself; absent for never.</param>
public sealed record PolicyRequest(string Action, string? Commit = null, string? Reason = null, DateTimeOffset? Expires = null);
