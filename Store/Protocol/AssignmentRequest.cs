namespace ContentTree.Store.Protocol;

/// <summary>Tells one device to do other than to follow its branch.</summary>
/// <param name="Action"><c>follow</c>, <c>hold</c> or <c>pin</c>.</param>
/// <param name="Commit">With <c>pin</c>: a commit of the device's branch, as people name it.</param>
/// <param name="Reason">Why, one line; people at the device read it.</param>
/// <param name="Expires">When it ends by itself; absent for not soon.</param>
public sealed record AssignmentRequest(string Action, string? Commit = null, string? Reason = null, DateTimeOffset? Expires = null);
