namespace ContentTree.Store.Protocol;

/// <summary>Starts a rollout.</summary>
/// <param name="Scope"><c>group:NAME</c> or <c>branch:NAME</c>.</param>
/// <param name="Commit">What goes out, as people name it.</param>
/// <param name="Plan">How.</param>
/// <param name="Reason">Why, one line.</param>
public sealed record RolloutRequest(string Scope, string Commit, RolloutPlan Plan, string? Reason = null);
