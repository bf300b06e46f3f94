using ContentTree.Server.Auditing;
using ContentTree.Server.Endpoints;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Dashboard.Login;

/// <summary>
/// Lets in whom a proxy vouches for in a header. Only proxies that are named are believed, by the address of the connection itself; from anywhere else the header is nothing,
/// and a session that began behind the proxy goes on only there.
/// </summary>
internal sealed class ProxyLogin(ProxyLoginSettings settings, Users users, Sessions sessions, Audit audit, ILogger log)
{
    public const string Source = "proxy";

    /// <summary>Who asks.</summary>
    /// <param name="present">Whom the cookie names; null for nobody.</param>
    /// <param name="enter">Hears of a session that begins with this request.</param>
    /// <exception cref="ProblemException">The proxy vouches for somebody who has no role here.</exception>
    public Session? Find(HttpContext context, Session? present, Action<Session> enter)
    {
        if (!settings.IsOn)
            return present;
        var vouched = IsBelieved(context) ? NameIn(context) : null;
        if (vouched is not { } name)
            return present?.User.Source == Source ? null : present;
        var role = RoleIn(context) ?? throw new ProblemException(ProblemCode.Forbidden, $"{name} has no role here; login.proxy-roles and login.proxy-role in server.conf give one");
        if (present is { User: { Source: Source } user } && user.Name == name && user.Role == role)
            return present;
        var entered = users.Vouch(name, role, Source) ?? throw new ProblemException(ProblemCode.Forbidden, $"{name} is disabled, or a user here with a password, for whom the proxy does not vouch");
        var address = Actor.AddressOf(context);
        var session = sessions.Create(entered, address);
        enter(session);
        audit.Note(new Actor($"user {name}", address), "user.login", name, after: $"{role} by {Source}");
        Log.LoggedIn(log, name, address);
        return session;
    }

    private bool IsBelieved(HttpContext context) => ClientAddress.PeerOf(context) is { } peer && settings.Addresses.Any(network => network.Contains(peer));

    // Two of them would be the proxy's and somebody else's.
    private string? NameIn(HttpContext context) => context.Request.Headers[settings.Header] is [{ Length: > 0 } name] ? name : null;

    private string? RoleIn(HttpContext context)
    {
        string[] groups = settings.GroupsHeader.Length > 0 && context.Request.Headers[settings.GroupsHeader] is [{ } said] ? said.Split(',', StringSplitOptions.TrimEntries) : [];
        return TokenRole.All.FirstOrDefault(role => settings.Roles.Any(rule => rule.Role == role && groups.Contains(rule.Group))) ?? settings.Role;
    }
}
