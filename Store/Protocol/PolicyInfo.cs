using ContentTree.Store.Objects;

namespace ContentTree.Store.Protocol;

/// <summary>What a device, a group or the devices of a branch are to do.</summary>
/// <param name="Scope"><c>device:ID</c>, <c>group:NAME</c> or <c>branch:NAME</c>.</param>
/// <param name="Action"><c>follow</c>, <c>pin</c>, <c>ceiling</c> or <c>hold</c>.</param>
/// <param name="By">Who said so: a user of the server's machine, "token" and its id, or "rollout" and its number.</param>
/// <param name="Created">When.</param>
/// <param name="Commit">The commit of a pin or a ceiling.</param>
/// <param name="Reason">Why; absent when nobody said.</param>
/// <param name="Expires">When it ends by itself; absent for never.</param>
/// <param name="Plan">Each new head of the branch goes out by this plan; absent when a person starts rollouts.</param>
public sealed record PolicyInfo(
    string Scope, string Action, string By, DateTimeOffset Created, ObjectId? Commit = null, string? Reason = null, DateTimeOffset? Expires = null,
    RolloutPlan? Plan = null);
