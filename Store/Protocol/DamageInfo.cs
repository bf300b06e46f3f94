namespace ContentTree.Store.Protocol;

/// <summary>Something damaged or missing.</summary>
/// <param name="What">An object or a file of the repository.</param>
/// <param name="Reason">What is wrong with it.</param>
public sealed record DamageInfo(string What, string Reason);
