using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ContentTree.Server.Auditing;
using ContentTree.Server.Dashboard.Login;
using ContentTree.Server.Dashboard.Pages;
using ContentTree.Server.Endpoints;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
using Microsoft.AspNetCore.Http.Features;

namespace ContentTree.Server.Dashboard;

/// <summary>
/// Stands before every page and action: headers that keep a page what it is, the session, and for whatever changes something the proof that the
/// browser sent one of our own forms.
/// </summary>
internal sealed class Gate(Database database, Sessions sessions, ProxyLogin proxy, PageRenderer renderer, ChangeWatch watch, TimeProvider time, ILogger log)
{
    private const string SessionCookie = "ctree-session";
    private const string GuestCookie = "ctree-guest";
    private const string TokenField = "form-token";
    private const int MaxForm = 256 * 1024;
    private const int MaxFields = 2048;
    private const int GuestBytes = 32;

    // No inline script or style anywhere: what a device says of itself cannot become one.
    private const string Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    /// <summary>A page for who is logged in and has the role; others are led to the login. Closed to users who are limited to groups.</summary>
    public RequestDelegate Page(Func<Visitor, Task> show, string role = TokenRole.Viewer) => Page(show, role, isGrouped: false);

    /// <summary>The same, open to limited users: whoever maps it asks the visitor's limit about each thing that it shows.</summary>
    public RequestDelegate GroupPage(Func<Visitor, Task> show, string role = TokenRole.Viewer) => Page(show, role, isGrouped: true);

    private RequestDelegate Page(Func<Visitor, Task> show, string role, bool isGrouped) => context => ShieldAsync(context, async () =>
    {
        if (Find(context) is not { } session)
        {
            await LeadToLoginAsync(context);
            return;
        }
        var visitor = VisitorOf(context, session);
        visitor.Require(role);
        if (!isGrouped)
            visitor.Limit.RequireWhole();
        await show(visitor);
    });

    /// <summary>A page for everybody.</summary>
    public RequestDelegate Open(Func<Visitor, Task> show) => context => ShieldAsync(context, () => show(VisitorOf(context, Find(context))));

    /// <summary>What a form of ours asks for. Closed to users who are limited to groups.</summary>
    public RequestDelegate Action(Func<Visitor, IFormCollection, Task> act, string role = TokenRole.Viewer) => Action(act, role, isOpen: false, isGrouped: false);

    /// <summary>The same, open to limited users: whoever maps it asks the visitor's limit about each thing that it changes.</summary>
    public RequestDelegate GroupAction(Func<Visitor, IFormCollection, Task> act, string role = TokenRole.Viewer) => Action(act, role, isOpen: false, isGrouped: true);

    /// <summary>What a form asks for that everybody may send.</summary>
    public RequestDelegate OpenAction(Func<Visitor, IFormCollection, Task> act) => Action(act, TokenRole.Viewer, isOpen: true, isGrouped: true);

    /// <summary>An action whose body is read by itself, for it is long: it checks the token with <see cref="RequireToken"/>.</summary>
    public RequestDelegate LongAction(Func<Visitor, Task> act, string role) => context => ShieldAsync(context, async () =>
    {
        RequireOwnOrigin(context);
        var visitor = VisitorOf(context, Find(context) ?? throw new ProblemException(ProblemCode.BadToken, "you are logged out; log in and send it again"));
        visitor.Require(role);
        visitor.Limit.RequireWhole();
        await BackOnFailureAsync(visitor, () => act(visitor));
    });

    /// <exception cref="ProblemException">It is not the token of this visitor's forms.</exception>
    public static void RequireToken(Visitor visitor, string? token)
    {
        if (token is null || !CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(token), Encoding.UTF8.GetBytes(visitor.FormToken)))
            throw new ProblemException(ProblemCode.Forbidden, "this form was not made for your session; load the page again and repeat it");
    }

    public static void Enter(HttpContext context, Session session) => context.Response.Cookies.Append(Named(context, SessionCookie), session.Secret, Hidden(context));

    /// <summary>Keeps a word in the browser while somebody logs in elsewhere.</summary>
    /// <param name="value">Null takes it away.</param>
    public static void Keep(HttpContext context, string name, string? value, TimeSpan time)
    {
        var options = Hidden(context);
        options.MaxAge = time;
        if (value is null)
            context.Response.Cookies.Delete(Named(context, name), Hidden(context));
        else
            context.Response.Cookies.Append(Named(context, name), value, options);
    }

    /// <summary>What <see cref="Keep"/> kept; null for nothing.</summary>
    public static string? Kept(HttpContext context, string name) => context.Request.Cookies[Named(context, name)];

    public static void Leave(HttpContext context) => context.Response.Cookies.Delete(Named(context, SessionCookie), Hidden(context));

    /// <summary>Behind a proxy that ends TLS the proxy says so. Who lies about it only keeps a cookie from himself.</summary>
    public static bool IsSecure(HttpContext context) => context.Request.IsHttps || context.Request.Headers["X-Forwarded-Proto"] == "https";

    private RequestDelegate Action(Func<Visitor, IFormCollection, Task> act, string role, bool isOpen, bool isGrouped) => context => ShieldAsync(context, async () =>
    {
        RequireOwnOrigin(context);
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = MaxForm;
        var form = await ReadFormAsync(context);
        var session = Find(context);
        if (session is null && !isOpen)
        {
            await LeadToLoginAsync(context);
            return;
        }
        var visitor = VisitorOf(context, session);
        RequireToken(visitor, form[TokenField]);
        if (isOpen)
        {
            await act(visitor, form);
            return;
        }
        visitor.Require(role);
        if (!isGrouped)
            visitor.Limit.RequireWhole();
        await BackOnFailureAsync(visitor, () => act(visitor, form));
    });

    private static async Task<IFormCollection> ReadFormAsync(HttpContext context)
    {
        try
        {
            return await context.Request.ReadFormAsync(new FormOptions { ValueCountLimit = MaxFields, BufferBody = false, MultipartBodyLengthLimit = MaxForm }, context.RequestAborted);
        }
        catch (InvalidDataException e)
        {
            throw new ProblemException(ProblemCode.BadRequest, $"this is no form of these pages: {e.Message}");
        }
    }

    // Where somebody's wish cannot be met, he stays where he was and reads why.
    private static async Task BackOnFailureAsync(Visitor visitor, Func<Task> act)
    {
        try
        {
            await act();
        }
        catch (Exception e) when (!visitor.Context.Response.HasStarted && ProblemAnswers.ToProblem(e) is { Problem: { Status: < StatusCodes.Status500InternalServerError } problem })
        {
            await visitor.Go(visitor.Back ?? BackOf(visitor.Context), problem.Detail ?? problem.Title, isWrong: true);
        }
    }

    private static string BackOf(HttpContext context) =>
        Uri.TryCreate(context.Request.Headers.Referer, UriKind.Absolute, out var referer) && referer.Authority == context.Request.Host.Value ? referer.PathAndQuery : "/";

    private async Task ShieldAsync(HttpContext context, Func<Task> answer)
    {
        Shield(context);
        try
        {
            await answer();
        }
        catch (Exception e) when (!context.Response.HasStarted && !context.RequestAborted.IsCancellationRequested)
        {
            // What a person asks for is checked where it is read: an argument that is wrong further in is our own mistake.
            var refused = e is ArgumentException ? new ProblemException(ProblemCode.Internal) : ProblemAnswers.ToProblem(e);
            if (refused.Problem.Status >= StatusCodes.Status500InternalServerError)
                Log.RequestFailed(log, e, context.Request.Method, context.Request.Path);
            await ExplainAsync(context, refused);
        }
    }

    /// <summary>A page that says what went wrong.</summary>
    public Task ExplainAsync(HttpContext context, ProblemException refused)
    {
        Shield(context);
        context.Response.StatusCode = refused.Problem.Status;
        if (refused.RetryAfter is { } wait)
            context.Response.Headers.RetryAfter = ((long)wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        return renderer.ShowAsync<FailurePage>(VisitorOf(context, TryFind(context)), refused.Problem, refused.Problem.Status);
    }

    private static void Shield(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = Policy;
        headers.XFrameOptions = "DENY";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers.CacheControl = "no-store";
    }

    private Visitor VisitorOf(HttpContext context, Session? session) => new(context, session, session?.FormToken ?? Session.FormTokenOf(GuestOf(context)), time.GetUtcNow())
    {
        Notice = HttpMethods.IsGet(context.Request.Method) && !context.Request.Headers.ContainsKey("X-Live") && context.Request.Path != "/live" ? Notice.Take(context) : null,
        Address = Actor.AddressOf(context),
        // Before somebody has logged in there is nothing to see.
        Limit = session is null ? new GroupLimit("", [], database) : new GroupLimit(session.User.Name, session.User.Groups, database),
        // Before anything is read for the page.
        Seen = session is null ? "" : watch.Look(),
    };

    private Session? Find(HttpContext context) => context.Items.TryGetValue(SessionCookie, out var known) ? known as Session : Look(context);

    // Once a request: a look may begin a session.
    private Session? Look(HttpContext context)
    {
        var session = proxy.Find(context, sessions.Find(context.Request.Cookies[Named(context, SessionCookie)]), begun => Enter(context, begun));
        context.Items[SessionCookie] = session;
        return session;
    }

    // A page that says why somebody is not let in is for nobody.
    private Session? TryFind(HttpContext context)
    {
        try
        {
            return Find(context);
        }
        catch (ProblemException)
        {
            return null;
        }
    }

    // Before the login the form's token hangs on a cookie that says nothing about anybody.
    private static string GuestOf(HttpContext context)
    {
        if (context.Request.Cookies[GuestCookie] is { Length: > GuestBytes and < 3 * GuestBytes } known)
            return known;
        var fresh = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(GuestBytes));
        context.Response.Cookies.Append(GuestCookie, fresh, Hidden(context));
        return fresh;
    }

    private static Task LeadToLoginAsync(HttpContext context)
    {
        var wanted = HttpMethods.IsGet(context.Request.Method) ? context.Request.Path + context.Request.QueryString : "/";
        context.Response.StatusCode = StatusCodes.Status303SeeOther;
        context.Response.Headers.Location = wanted == "/" ? "/login" : $"/login?to={Uri.EscapeDataString(wanted)}";
        return Task.CompletedTask;
    }

    // Browsers say where a form stood; a page of somebody else's cannot change that.
    private static void RequireOwnOrigin(HttpContext context)
    {
        var origin = context.Request.Headers.Origin.ToString();
        var isForeign = origin.Length > 0 && !(Uri.TryCreate(origin, UriKind.Absolute, out var from) && from.Authority == context.Request.Host.Value);
        if (isForeign || context.Request.Headers["Sec-Fetch-Site"].ToString() is not ("" or "same-origin" or "none"))
            throw new ProblemException(ProblemCode.Forbidden, "this form stood on another site's page");
    }

    // By its name alone the browser refuses such a cookie from a sister host or without TLS.
    private static string Named(HttpContext context, string name) => IsSecure(context) ? "__Host-" + name : name;

    private static CookieOptions Hidden(HttpContext context) => new() { HttpOnly = true, SameSite = SameSiteMode.Lax, Secure = IsSecure(context), Path = "/" };
}
