namespace ContentTree.Store.Protocol;

/// <summary>The server knows the head now.</summary>
/// <param name="Sequence">The head's position: no later one of the branch will have it.</param>
public sealed record HeadProofAnswer(long Sequence);
