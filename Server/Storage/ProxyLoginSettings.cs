using System.Net;

namespace ContentTree.Server.Storage;

/// <summary>How a proxy says who has logged in there.</summary>
internal sealed record ProxyLoginSettings
{
    /// <summary>The header with the user's name; empty when nobody is believed.</summary>
    public string Header { get; init; } = "";

    /// <summary>The header with the user's groups, commas between them; empty for none.</summary>
    public string GroupsHeader { get; init; } = "";

    /// <summary>The proxies that are believed, and no other: not even those of this machine unless they are named.</summary>
    public IReadOnlyList<IPNetwork> Addresses { get; init; } = [];

    /// <summary>The role that a group gives.</summary>
    public IReadOnlyList<(string Group, string Role)> Roles { get; init; } = [];

    /// <summary>The role of whoever has none by a group; null lets nobody in by that.</summary>
    public string? Role { get; init; }

    public bool IsOn => Header.Length > 0;
}
