using System.Net;

namespace ContentTree.Deploy.Pages;

/// <summary>Who may see the page: by the name in the address bar, by the password where there is one, and by the tokens of forms.</summary>
/// <param name="password">The password's file.</param>
/// <param name="hosts">Names by which browsers may ask, other than the address.</param>
/// <param name="isOpen">Nobody needs a password while none is set.</param>
/// <param name="clock">For sessions and waits.</param>
internal sealed class PageAccess(PagePassword password, IReadOnlyList<string> hosts, bool isOpen, TimeProvider clock)
{
    private const int HttpPort = 80;

    private readonly PageSessions _sessions = new(clock);
    private readonly LoginWaits _waits = new(clock);

    /// <summary>
    /// Whether the browser means this device. A name that somebody else's DNS lets lead here is not ours, so no page from there reads or
    /// sends anything in its visitor's name.
    /// </summary>
    public bool IsOurs(PageRequest request)
    {
        var local = new UriBuilder("http", request.Local.Address.ToString()).Uri.Host;
        string[] names = IPAddress.IsLoopback(request.Local.Address) ? [local, "localhost"] : [local];
        return names.Concat(hosts).Any(name => Is(name, request)) || hosts.Contains(request.Host, StringComparer.OrdinalIgnoreCase);
    }

    public PageVisit Visit(PageRequest request)
    {
        var asked = password.TryRead();
        var session = _sessions.Find(request.Cookie(PageSessions.Cookie), asked) ?? _sessions.Begin(isIn: false);
        return Of(session, asked);
    }

    /// <summary>Nobody has set a password, and without one nothing is shown here.</summary>
    public bool IsShut => !isOpen && password.TryRead() is null;

    /// <summary>The cookie by which a browser's next request is known.</summary>
    public string CookieOf(PageVisit visit) => _sessions.CookieOf(visit.Session, password.TryRead());

    /// <summary>Whether a form was made by a page of this session.</summary>
    public bool IsOwnForm(PageRequest request, PageVisit visit, string? token) =>
        (request.Origin is null || request.Origin.Equals("http://" + request.Host, StringComparison.OrdinalIgnoreCase)) && _sessions.IsToken(token, visit.Session, password.TryRead());

    /// <summary>Begins an attempt to log in; how long this visitor has to wait before it is one.</summary>
    public TimeSpan BeginLogIn(PageRequest request) => _waits.Begin(request.Remote);

    /// <summary>Judges an attempt that was begun.</summary>
    /// <returns>The session of somebody who gave the password; null for a wrong one.</returns>
    public async Task<PageVisit?> LogInAsync(PageRequest request, string given, CancellationToken cancellation)
    {
        if (password.TryRead() is not { } asked)
            return null;
        if (!await PagePassword.VerifyAsync(given, asked, cancellation).ConfigureAwait(false))
            return null;
        _waits.Succeeded(request.Remote);
        return Of(_sessions.Begin(isIn: true), asked);
    }

    /// <summary>A session without rights in place of all others: a device has few people before it, and nobody knows who has a cookie.</summary>
    public PageVisit LogOut()
    {
        _sessions.EndAll();
        return Of(_sessions.Begin(isIn: false), password.TryRead());
    }

    private PageVisit Of(PageSession session, byte[]? asked) => new(session, asked is null ? isOpen : session.IsIn, _sessions.Token(session, asked), asked is not null);

    private static bool Is(string name, PageRequest request) =>
        request.Host.Equals($"{name}:{request.Local.Port}", StringComparison.OrdinalIgnoreCase) ||
        (request.Local.Port == HttpPort && request.Host.Equals(name, StringComparison.OrdinalIgnoreCase));
}
