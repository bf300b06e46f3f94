namespace ContentTree.Store.Protocol;

/// <summary>Asks for a new token.</summary>
/// <param name="Role">One of <see cref="TokenRole"/>.</param>
/// <param name="Uses">How often it works; absent means any number.</param>
/// <param name="Expires">When it ends; absent means never.</param>
/// <param name="Groups">Its bearer sees and steers only devices of these groups; absent for the whole fleet.</param>
public sealed record TokenRequest(string Role, long? Uses = null, DateTimeOffset? Expires = null, IReadOnlyList<string>? Groups = null);
