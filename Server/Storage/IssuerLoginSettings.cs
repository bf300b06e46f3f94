namespace ContentTree.Server.Storage;

/// <summary>The identity provider (OpenID Connect) at which people may log in.</summary>
internal sealed record IssuerLoginSettings
{
    /// <summary>Who signs; null when nobody is asked.</summary>
    public Uri? Issuer { get; init; }

    /// <summary>The id that this server has there.</summary>
    public string Client { get; init; } = "";

    /// <summary>The file with its secret; empty for a public client, which proves itself by PKCE alone.</summary>
    public string SecretFile { get; init; } = "";

    /// <summary>Where people reach this server: the issuer leads them back there and nowhere else.</summary>
    public Uri? Own { get; init; }

    /// <summary>The claim with the user's name.</summary>
    public string NameClaim { get; init; } = "preferred_username";

    /// <summary>The claim with the user's groups.</summary>
    public string GroupsClaim { get; init; } = "groups";

    /// <summary>The role that a group gives.</summary>
    public IReadOnlyList<(string Group, string Role)> Roles { get; init; } = [];

    /// <summary>The role of whoever has none by a group; null lets nobody in by that.</summary>
    public string? Role { get; init; }

    public bool IsOn => Issuer is not null;
}
