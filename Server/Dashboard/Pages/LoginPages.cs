using ContentTree.Server.Auditing;
using ContentTree.Server.Dashboard.Login;
using ContentTree.Server.Endpoints;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Dashboard.Pages;

/// <summary>The way in and out: login, the one-time link, and what a user changes about himself.</summary>
internal sealed class LoginPages(Gate gate, PageRenderer renderer, Users users, Sessions sessions, LoginLinks links, LoginLimit limit, IssuerLogin issuer, Audit audit, ILogger log)
{
    private const string IssuerCookie = "ctree-issuer";
    private const int MaxKept = 2048;

    private static readonly TimeSpan IssuerTime = TimeSpan.FromMinutes(15);

    /// <param name="To">The page that was asked for.</param>
    /// <param name="Issuer">Where people may log in instead; empty for nowhere.</param>
    internal sealed record Login(string To, string Issuer, string Name = "", string? Wrong = null);

    /// <param name="Link">The link's secret; null when it is no good.</param>
    internal sealed record Welcome(string? Link, string Name = "", string? Wrong = null);

    internal sealed record Account(User User, IReadOnlyList<(string Address, DateTimeOffset Created, DateTimeOffset Seen)> Sessions);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/login", gate.Open(ShowLoginAsync));
        routes.MapPost("/login", gate.OpenAction(LogInAsync));
        routes.MapGet("/login/issuer", gate.Open(GoToIssuerAsync));
        routes.MapGet("/login/issuer/return", gate.Open(ComeBackAsync));
        routes.MapPost("/logout", gate.GroupAction(LogOutAsync));
        routes.MapGet("/welcome/{link}", gate.Open(visitor => ShowWelcomeAsync(visitor, new Welcome(GoodLink(visitor.Route("link"))))));
        routes.MapPost("/welcome", gate.OpenAction(InstallAsync));
        routes.MapGet("/account", gate.GroupPage(visitor => renderer.ShowAsync<AccountPage>(visitor, AccountOf(visitor))));
        routes.MapPost("/account/password", gate.GroupAction(ChangePasswordAsync));
        routes.MapPost("/account/logout-everywhere", gate.GroupAction(LogOutEverywhereAsync));
    }

    private Task ShowLoginAsync(Visitor visitor) => visitor.Session is not null
        ? visitor.Go("/")
        : renderer.ShowAsync<LoginPage>(visitor, new Login(visitor.Query("to"), issuer.Host));

    private async Task LogInAsync(Visitor visitor, IFormCollection form)
    {
        var (name, password, to) = (form["name"].ToString(), form["password"].ToString(), form["to"].ToString());
        if (limit.WaitOf(name, ClientAddress.Of(visitor.Context)) is { Ticks: > 0 } wait)
        {
            visitor.Context.Response.Headers.RetryAfter = $"{(long)Math.Ceiling(wait.TotalSeconds)}";
            await renderer.ShowAsync<LoginPage>(visitor, new Login(to, issuer.Host, name, $"Too many tries; wait {Text.Span(wait + TimeSpan.FromSeconds(1))}."), StatusCodes.Status429TooManyRequests);
            return;
        }
        // Counted before the answer is known: tries at the same time do not get past the limit.
        limit.Fail(name, ClientAddress.Of(visitor.Context));
        if (users.Check(name, password) is not { } user)
        {
            Log.LoginRefused(log, visitor.Address);
            await renderer.ShowAsync<LoginPage>(visitor, new Login(to, issuer.Host, name, "Name or password is wrong."), StatusCodes.Status401Unauthorized);
            return;
        }
        limit.Succeed(name, ClientAddress.Of(visitor.Context));
        Enter(visitor, user);
        await visitor.Go(IsOwnPath(to) ? to : "/");
    }

    private async Task GoToIssuerAsync(Visitor visitor)
    {
        var (secret, to) = (IssuerLogin.NewSecret(), visitor.Query("to"));
        var address = await issuer.BeginAsync(secret, visitor.Context.RequestAborted);
        Gate.Keep(visitor.Context, IssuerCookie, IsOwnPath(to) && to.Length < MaxKept ? $"{secret}.{Uri.EscapeDataString(to)}" : secret, IssuerTime);
        visitor.Context.Response.Redirect(address);
    }

    private async Task ComeBackAsync(Visitor visitor)
    {
        var address = ClientAddress.Of(visitor.Context);
        // Each costs a question to the issuer, and anybody can ask.
        var subject = $"issuer {address}";
        if (limit.WaitOf(subject, address) is { Ticks: > 0 } wait)
            throw new ProblemException(ProblemCode.TooMany, "too many tries", retryAfter: wait);
        limit.Fail(subject, address);
        var kept = Gate.Kept(visitor.Context, IssuerCookie)?.Split('.', 2);
        Gate.Keep(visitor.Context, IssuerCookie, null, TimeSpan.Zero);
        var (name, role) = await issuer.EndAsync(kept?[0], visitor.Context.Request.Query, visitor.Context.RequestAborted);
        var user = Vouched(name, role);
        limit.Succeed(subject, address);
        Enter(visitor, user, $"{role} by {IssuerLogin.Source}");
        var to = kept is [_, var page] ? Uri.UnescapeDataString(page) : "/";
        await visitor.Go(IsOwnPath(to) ? to : "/");
    }

    private User Vouched(string name, string role)
    {
        try
        {
            return users.Vouch(name, role, IssuerLogin.Source) ?? throw new ProblemException(ProblemCode.Forbidden, $"{name} is disabled, or a user here with a password, for whom the issuer does not vouch");
        }
        catch (FormatException e)
        {
            throw new ProblemException(ProblemCode.Forbidden, $"the issuer's name for you is none here: {e.Message}");
        }
    }

    private Task LogOutAsync(Visitor visitor, IFormCollection form)
    {
        if (visitor.Session is { } session)
            sessions.End(session);
        Gate.Leave(visitor.Context);
        return visitor.Go("/login");
    }

    private Task ShowWelcomeAsync(Visitor visitor, Welcome welcome) =>
        renderer.ShowAsync<WelcomePage>(visitor, welcome, welcome is { Link: not null, Wrong: null } ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest);

    private async Task InstallAsync(Visitor visitor, IFormCollection form)
    {
        var (name, password) = (form["name"].ToString(), form["password"].ToString());
        if (GoodLink(form["link"].ToString()) is not { } link)
        {
            await ShowWelcomeAsync(visitor, new Welcome(null));
            return;
        }
        try
        {
            if (password != form["again"].ToString())
                throw new FormatException("the two passwords differ");
            Users.RequireUsable(name, password);
            var user = links.TryUse(link) ? users.Install(name, password) : throw new FormatException("the link was used already");
            audit.Note(new Actor($"user {user.Name}", visitor.Address), "user.install", user.Name, after: user.Role);
            Enter(visitor, user);
        }
        catch (FormatException e)
        {
            await ShowWelcomeAsync(visitor, new Welcome(link, name, Text.Sentence(e.Message)));
            return;
        }
        await visitor.Go("/");
    }

    private Account AccountOf(Visitor visitor)
    {
        var user = SessionOf(visitor).User;
        return new Account(user, sessions.Of(user.Name));
    }

    private async Task ChangePasswordAsync(Visitor visitor, IFormCollection form)
    {
        var user = SessionOf(visitor).User;
        var (old, fresh) = (form["old"].ToString(), form["password"].ToString());
        if (limit.WaitOf(user.Name, ClientAddress.Of(visitor.Context)) is { Ticks: > 0 } wait)
            throw new FormatException($"too many tries; wait {Text.Span(wait + TimeSpan.FromSeconds(1))}");
        if (users.Check(user.Name, old) is null)
        {
            limit.Fail(user.Name, ClientAddress.Of(visitor.Context));
            throw new FormatException("the present password is another one");
        }
        if (fresh != form["again"].ToString())
            throw new FormatException("the two passwords differ");
        users.SetPassword(user.Name, fresh);
        audit.Note(visitor.Actor, "user.password", user.Name);
        // All sessions have ended with the old password; this one goes on under a new secret.
        Enter(visitor, user);
        await visitor.Go("/account", "The password is changed; everywhere else you are logged out.");
    }

    private Task LogOutEverywhereAsync(Visitor visitor, IFormCollection form)
    {
        sessions.EndAll(SessionOf(visitor).User.Name);
        Gate.Leave(visitor.Context);
        return visitor.Go("/login");
    }

    private void Enter(Visitor visitor, User user, string? how = null)
    {
        Gate.Enter(visitor.Context, sessions.Create(user, visitor.Address));
        audit.Note(new Actor($"user {user.Name}", visitor.Address), "user.login", user.Name, after: how);
        Log.LoggedIn(log, user.Name, visitor.Address);
    }

    private string? GoodLink(string link) => links.IsGood(link) ? link : null;

    private static Session SessionOf(Visitor visitor) => visitor.Session ?? throw new System.Diagnostics.UnreachableException();

    // What the address bar says must not lead elsewhere.
    private static bool IsOwnPath(string path) => path is ['/', not ('/' or '\\'), ..] && !path.Any(char.IsControl);
}
