namespace ContentTree.Server.Dashboard.Login;

/// <summary>A person who may log in to the dashboard.</summary>
/// <param name="Role">One of <see cref="Store.Protocol.TokenRole"/>, apart from that of enrolling.</param>
/// <param name="Disabled">Since when nobody gets in by this name; null while somebody may.</param>
/// <param name="Source">Who vouches for the name: empty for a password here, else a login elsewhere.</param>
/// <param name="Groups">What the user is limited to; null for the whole fleet.</param>
internal sealed record User(string Name, string Role, DateTimeOffset Created, DateTimeOffset? Disabled = null, string Source = "", IReadOnlyList<string>? Groups = null);
