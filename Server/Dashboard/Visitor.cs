using System.Text;
using ContentTree.Server.Auditing;
using ContentTree.Server.Dashboard.Login;
using ContentTree.Server.Endpoints;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Dashboard;

/// <summary>One request of a person: who it is, what page it is for, and what there is to say since the last one.</summary>
/// <param name="session">Null before somebody has logged in.</param>
/// <param name="formToken">What forms of this page have to send back.</param>
/// <param name="now">For words such as "5 minutes ago".</param>
internal sealed class Visitor(HttpContext context, Session? session, string formToken, DateTimeOffset now)
{
    public HttpContext Context { get; } = context;

    public Session? Session { get; } = session;

    public string FormToken { get; } = formToken;

    public DateTimeOffset Now { get; } = now;

    /// <summary>What the last action came to; shown once.</summary>
    public Notice? Notice { get; init; }

    /// <summary>Where he is led when what he wishes cannot be done; where the form stood, if nothing is said.</summary>
    public string? Back { get; set; }

    public string Path => Context.Request.Path;

    public string Name => Session?.User.Name ?? "";

    /// <summary>As the audit log and the branches' histories name who did something.</summary>
    public Actor Actor => new($"user {Name}", Address);

    public string Address { get; init; } = "";

    /// <summary>What had changed when the page was made: open pages hear of what comes after.</summary>
    public string Seen { get; init; } = "";

    /// <summary>What of the fleet the visitor sees and steers.</summary>
    public required GroupLimit Limit { get; init; }

    /// <summary>Whether somebody's role allows it, and no limit forbids it: for what concerns the whole fleet.</summary>
    public bool MayAll(string role) => May(role) && Limit.IsWhole;

    public bool May(string role) => Session is { } session && TokenRole.Includes(session.User.Role, role);

    /// <exception cref="ProblemException">Somebody's role allows it by none of these.</exception>
    public void Require(params ReadOnlySpan<string> roles)
    {
        foreach (var role in roles)
        {
            if (May(role))
                return;
        }
        throw new ProblemException(ProblemCode.Forbidden, $"{Name} is {Session?.User.Role}; this needs {string.Join(" or ", roles!)}");
    }

    public string Query(string name) => Context.Request.Query[name].ToString();

    public string Route(string name) => Context.Request.RouteValues[name] as string ?? "";

    /// <summary>After an action: the browser asks for a page, so that asking again does nothing again.</summary>
    public Task Go(string path, string? said = null, bool isWrong = false)
    {
        if (said is not null)
            Notice.Set(Context, said, isWrong);
        Context.Response.StatusCode = StatusCodes.Status303SeeOther;
        Context.Response.Headers.Location = path;
        return Task.CompletedTask;
    }

    /// <summary>A file instead of a page.</summary>
    public async Task SendAsync(string type, string name, IAsyncEnumerable<string> lines)
    {
        Context.Response.ContentType = type;
        Context.Response.Headers.ContentDisposition = $"attachment; filename=\"{name}\"";
        await using var writer = new StreamWriter(Context.Response.Body, new UTF8Encoding(false), leaveOpen: true);
        await foreach (var line in lines)
            await writer.WriteAsync(line.AsMemory(), Context.RequestAborted);
    }
}
