namespace ContentTree.Store.Protocol;

/// <summary>The values of one scope, without those that it has from wider ones.</summary>
/// <param name="Scope"><c>fleet</c>, <c>group:NAME</c> or <c>device:ID</c>.</param>
/// <param name="Revision">Rises by one with each change of the scope; 0 before the first.</param>
/// <param name="Values">By key.</param>
/// <param name="Lost">Secrets that a revert could not bring back, because earlier ones are not kept; absent otherwise.</param>
public sealed record ConfigurationInfo(string Scope, long Revision, IReadOnlyList<ConfigurationValueInfo> Values, IReadOnlyList<string>? Lost = null);
