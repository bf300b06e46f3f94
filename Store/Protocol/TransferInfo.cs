namespace ContentTree.Store.Protocol;

/// <summary>What was said of how a scope's devices fetch content.</summary>
/// <param name="Scope"><c>fleet</c>, <c>branch:NAME</c>, <c>group:NAME</c> or <c>device:ID</c>.</param>
/// <param name="Policy">The limits; 0 and an empty time lift those of wider scopes, what is absent leaves them.</param>
/// <param name="By">Who said so.</param>
/// <param name="Created">When.</param>
public sealed record TransferInfo(string Scope, TransferPolicy Policy, string By, DateTimeOffset Created);
