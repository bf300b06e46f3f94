namespace ContentTree.Store.Protocol;

/// <summary>The server keeps the box.</summary>
/// <param name="Received">Its bytes.</param>
public sealed record BlackBoxAnswer(long Received);
