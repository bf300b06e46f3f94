namespace ContentTree.Store.Protocol;

/// <summary>Rollouts.</summary>
/// <param name="Rollouts">Newest first.</param>
public sealed record RolloutList(IReadOnlyList<RolloutInfo> Rollouts);
