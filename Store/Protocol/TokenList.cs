namespace ContentTree.Store.Protocol;

/// <summary>What the server remembers of a token: never the token itself.</summary>
/// <param name="Id">Its first part.</param>
/// <param name="Role">One of <see cref="TokenRole"/>.</param>
/// <param name="Created">When it was made.</param>
/// <param name="Expires">When it ends; absent for never.</param>
/// <param name="Uses">How often it still works; absent for any number.</param>
/// <param name="Revoked">Somebody ended it.</param>
/// <param name="Groups">Its bearer sees and steers only devices of these groups; absent for the whole fleet.</param>
public sealed record TokenInfo(string Id, string Role, DateTimeOffset Created, DateTimeOffset? Expires = null, long? Uses = null, bool Revoked = false, IReadOnlyList<string>? Groups = null)
{
    /// <summary>Whether it still opens anything.</summary>
    public bool IsUsable(DateTimeOffset now) => !Revoked && (Expires is null || Expires > now) && Uses is null or > 0;
}

/// <summary>All tokens, oldest first.</summary>
public sealed record TokenList(IReadOnlyList<TokenInfo> Tokens);
