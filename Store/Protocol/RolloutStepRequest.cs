namespace ContentTree.Store.Protocol;

/// <summary>A person steers a rollout.</summary>
/// <param name="Reason">Why, or the remark of an approval; one line.</param>
public sealed record RolloutStepRequest(string? Reason = null);
