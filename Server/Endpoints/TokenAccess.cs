using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Endpoints;

/// <summary>Who may use a route: the bearer of a token whose role allows it.</summary>
internal sealed class TokenAccess(Tokens tokens, AttemptLimit limit, Database database)
{
    private const string Scheme = "Bearer ";

    /// <summary>The token's id, when its role includes <paramref name="role"/>.</summary>
    /// <exception cref="ProblemException">No valid token, or not that role.</exception>
    public string Require(HttpContext context, string role) => RequireAny(context, role).Id;

    /// <summary>The token, when its role includes one of these. One that is limited to groups does not reach what concerns the whole fleet.</summary>
    /// <exception cref="ProblemException">No valid token, none of these roles, or it is limited.</exception>
    public TokenInfo RequireAny(HttpContext context, params ReadOnlySpan<string> roles)
    {
        var token = Find(context, roles);
        return token.Groups is null ? token : throw new ProblemException(ProblemCode.Forbidden, "this token is limited to groups, and this concerns the whole fleet");
    }

    /// <summary>For what may also be asked of some groups only; whoever calls this asks the limit about each thing that it shows or changes.</summary>
    /// <exception cref="ProblemException">No valid token, or not that role.</exception>
    public GroupLimit RequireOf(HttpContext context, string role)
    {
        var token = Find(context, [role]);
        return new GroupLimit(token.Id, token.Groups, database);
    }

    private TokenInfo Find(HttpContext context, params ReadOnlySpan<string> roles)
    {
        var header = context.Request.Headers.Authorization.ToString();
        var token = header.StartsWith(Scheme, StringComparison.Ordinal) ? Find(context, header[Scheme.Length..]) : null;
        if (token is null)
            throw new ProblemException(ProblemCode.BadToken, "the token is unknown, revoked or no longer valid; an admin makes one with 'ctree-server token create'");
        foreach (var role in roles)
        {
            if (TokenRole.Includes(token.Role, role))
                return token;
        }
        throw new ProblemException(ProblemCode.Forbidden, $"a {token.Role} token cannot do this; it needs {string.Join(" or ", roles!)}");
    }

    private TokenInfo? Find(HttpContext context, string token)
    {
        var (address, id) = (ClientAddress.Of(context), AttemptLimit.NameOf(token));
        if (limit.IsOver(address, id))
            throw new ProblemException(ProblemCode.TooMany, AttemptLimit.Said, retryAfter: AttemptLimit.Window);
        var found = tokens.Find(token);
        if (found is null)
            limit.Fail(address, id);
        return found;
    }
}
