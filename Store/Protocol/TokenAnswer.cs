namespace ContentTree.Store.Protocol;

/// <summary>A new token.</summary>
/// <param name="Id">Names it without giving it away.</param>
/// <param name="Token">The secret, shown this once; the server keeps a hash.</param>
/// <param name="Role">One of <see cref="TokenRole"/>.</param>
public sealed record TokenAnswer(string Id, string Token, string Role);
