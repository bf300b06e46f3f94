using ContentTree.Server.Auditing;
using ContentTree.Server.Dashboard.Login;
using ContentTree.Server.Endpoints;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Dashboard.Pages;

/// <summary>Who may log in, and which programs may ask: users and tokens.</summary>
internal sealed class UserPages(Gate gate, PageRenderer renderer, Users users, Tokens tokens, Audit audit, ILogger log)
{
    private const int MaxDays = 3650;
    private const int TokensOfPage = 50;

    // Each with its own forms.
    private const int UsersOfPage = 20;

    /// <param name="Made">The token that was made just now: shown once.</param>
    internal sealed record TokenView(Slice<TokenInfo> Tokens, TokenAnswer? Made);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/users", gate.Page(visitor => renderer.ShowAsync<UsersPage>(visitor, Slice.Of(visitor, users.List(), UsersOfPage)), TokenRole.Admin));
        routes.MapPost("/users/add", gate.Action(AddAsync, TokenRole.Admin));
        routes.MapPost("/users/expect", gate.Action(ExpectAsync, TokenRole.Admin));
        routes.MapPost("/users/role", gate.Action((visitor, form) => ChangeAsync(visitor, form, "user.role", name => users.SetRole(name, form["role"].ToString()), form["role"]), TokenRole.Admin));
        routes.MapPost("/users/limit", gate.Action((visitor, form) => ChangeAsync(visitor, form, "user.limit", name => users.SetGroups(name, LimitOf(form)), GroupsOf(form) is { } groups ? string.Join(' ', groups) : "no limit"), TokenRole.Admin));
        routes.MapPost("/users/password", gate.Action((visitor, form) => ChangeAsync(visitor, form, "user.password", name => users.SetPassword(name, form["password"].ToString())), TokenRole.Admin));
        routes.MapPost("/users/disable", gate.Action((visitor, form) => ChangeAsync(visitor, form, "user.disable", name => users.SetDisabled(name, true)), TokenRole.Admin));
        routes.MapPost("/users/enable", gate.Action((visitor, form) => ChangeAsync(visitor, form, "user.enable", name => users.SetDisabled(name, false)), TokenRole.Admin));
        routes.MapGet("/tokens", gate.Page(visitor => ShowTokensAsync(visitor, null), TokenRole.Admin));
        routes.MapPost("/tokens/create", gate.Action(CreateTokenAsync, TokenRole.Admin));
        routes.MapPost("/tokens/revoke", gate.Action(RevokeAsync, TokenRole.Admin));
    }

    private Task AddAsync(Visitor visitor, IFormCollection form)
    {
        var user = users.Add(form["name"].ToString().Trim(), form["role"].ToString(), form["password"].ToString(), GroupsOf(form));
        audit.Note(visitor.Actor, "user.add", user.Name, after: user.Groups is { } groups ? $"{user.Role}, of {string.Join(' ', groups)}" : user.Role);
        return visitor.Go("/users", $"{user.Name} may log in.");
    }

    private Task ExpectAsync(Visitor visitor, IFormCollection form)
    {
        var user = users.Expect(form["name"].ToString().Trim(), form["by"].ToString(), GroupsOf(form));
        audit.Note(visitor.Actor, "user.add", user.Name, after: user.Groups is { } groups ? $"by {user.Source}, of {string.Join(' ', groups)}" : $"by {user.Source}");
        return visitor.Go("/users", $"{user.Name} may come by the {user.Source}, which gives the role.");
    }

    private Task ChangeAsync(Visitor visitor, IFormCollection form, string verb, Action<string> change, string? after = null)
    {
        var name = form["name"].ToString();
        var before = users.List().FirstOrDefault(u => u.Name == name) ?? throw new NotFoundException($"no user {name}");
        change(name);
        audit.Note(visitor.Actor, verb, name, verb == "user.role" ? before.Role : null, after);
        return visitor.Go("/users", $"{name} is changed, and has to log in again.");
    }

    private Task ShowTokensAsync(Visitor visitor, TokenAnswer? made) => renderer.ShowAsync<TokensPage>(visitor, new TokenView(Slice.Of(visitor, [.. tokens.List().Reverse()], TokensOfPage), made));

    // Its secret must not lie in a cookie on the way, so the answer itself shows it.
    private Task CreateTokenAsync(Visitor visitor, IFormCollection form)
    {
        var made = tokens.Create(new TokenRequest(form["role"].ToString(), NumberOf(form, "uses", int.MaxValue), NumberOf(form, "days", MaxDays) is { } days ? visitor.Now.AddDays(days) : null));
        Log.TokenCreated(log, made.Id, made.Role, visitor.Actor.Name);
        audit.Note(visitor.Actor, "token.create", made.Id, after: made.Role);
        return ShowTokensAsync(visitor, made);
    }

    private Task RevokeAsync(Visitor visitor, IFormCollection form)
    {
        var id = form["id"].ToString();
        tokens.Revoke(id);
        audit.Note(visitor.Actor, "token.revoke", id);
        return visitor.Go("/tokens", $"Token {id} is revoked.");
    }

    // An empty field may be one that somebody did not look at; the whole fleet is said.
    private static string[]? LimitOf(IFormCollection form) => (GroupsOf(form), form["whole"] == "yes") switch
    {
        ({ } groups, false) => groups,
        (null, true) => null,
        (null, false) => throw new FormatException("name groups, or say that it is to be the whole fleet"),
        _ => throw new FormatException("either groups or the whole fleet"),
    };

    private static string[]? GroupsOf(IFormCollection form) => form["groups"].ToString().Split([' ', ','], StringSplitOptions.RemoveEmptyEntries) is { Length: > 0 } groups ? groups : null;

    private static long? NumberOf(IFormCollection form, string field, int most) => form[field].ToString().Trim() switch
    {
        "" => null,
        var text when int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var number) && number > 0 && number <= most => number,
        _ => throw new FormatException($"{field} are a number from 1 to {most}"),
    };
}
