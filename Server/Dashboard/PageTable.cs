using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Dashboard;

/// <summary>One address of the dashboard and who may use it.</summary>
/// <param name="Role">The least role that reaches it, or one that includes it; null for everybody, logged in or not.</param>
/// <param name="IsGrouped">Also for users who are limited to groups, who see and change what is of these.</param>
internal sealed record PageRoute(string Method, string Pattern, string? Role, bool IsGrouped = false);

/// <summary>
/// Every address of the dashboard and who may use it. Tests hold the running server against it and try each with every role, limited and
/// not, so that a page without a line here fails them.
/// </summary>
internal static class PageTable
{
    private const string Get = "GET";
    private const string Post = "POST";

    public static IReadOnlyList<PageRoute> All { get; } =
    [
        new(Get, "/assets/{file}", null), new(Get, "/login", null), new(Post, "/login", null), new(Get, "/login/issuer", null), new(Get, "/login/issuer/return", null),
        new(Get, "/welcome/{link}", null), new(Post, "/welcome", null),
        Own(Post, "/logout"), Own(Get, "/account"), Own(Post, "/account/password"), Own(Post, "/account/logout-everywhere"), Own(Get, "/live"),
        Grouped(Get, "/"), Grouped(Get, "/devices"), Grouped(Post, "/devices", TokenRole.Operator), Grouped(Get, "/devices.csv"), Grouped(Get, "/devices/{id}"), Grouped(Get, "/devices/{id}/boxes/{deployment}"),
        Own(Post, "/devices/filters/keep"), Own(Post, "/devices/filters/forget"),
        Grouped(Post, "/devices/{id}/accept", TokenRole.Operator), Grouped(Post, "/devices/{id}/reject", TokenRole.Operator), Grouped(Post, "/devices/{id}/assign", TokenRole.Operator),
        Whole(Post, "/devices/{id}/remove", TokenRole.Operator),
        Grouped(Get, "/approvals"), Grouped(Post, "/approvals", TokenRole.Operator), Whole(Post, "/approvals/expect", TokenRole.Operator), Whole(Post, "/approvals/unexpect", TokenRole.Operator),
        Grouped(Get, "/groups"), Whole(Post, "/groups", TokenRole.Operator), Grouped(Get, "/groups/{name}"), Grouped(Post, "/groups/{name}", TokenRole.Operator),
        Whole(Post, "/groups/{name}/add", TokenRole.Operator), Whole(Post, "/groups/{name}/drop", TokenRole.Operator), Whole(Post, "/groups/{name}/silence", TokenRole.Operator), Whole(Post, "/groups/{name}/remove", TokenRole.Operator),
        Whole(Get, "/branches"), Whole(Get, "/branches/{**name}"), Whole(Post, "/branches/{**name}", TokenRole.Operator), Whole(Post, "/branch/create", TokenRole.Admin),
        // Which of them somebody may move anywhere the branch decides: a protected one asks for more.
        Whole(Post, "/branch/promote"), Whole(Post, "/branch/revert"),
        Whole(Post, "/branch/protect", TokenRole.Admin), Whole(Post, "/branch/unprotect", TokenRole.Admin), Whole(Post, "/branch/private", TokenRole.Admin), Whole(Post, "/branch/public", TokenRole.Admin), Whole(Post, "/branch/delete", TokenRole.Admin),
        Whole(Get, "/log/{**name}"), Whole(Get, "/commits/{id}"), Whole(Get, "/diff"),
        Whole(Get, "/configuration"), Grouped(Get, "/configuration/{scope}"), Whole(Post, "/configuration", TokenRole.Operator), Whole(Post, "/configuration/remove", TokenRole.Operator),
        Whole(Post, "/configuration/{scope}/set", TokenRole.Operator), Whole(Post, "/configuration/{scope}/unset", TokenRole.Operator), Whole(Post, "/configuration/{scope}/revert", TokenRole.Operator),
        Grouped(Get, "/plans"), Grouped(Get, "/plans/edit", TokenRole.Operator), Grouped(Post, "/plans/edit", TokenRole.Operator), Grouped(Post, "/plans/remove", TokenRole.Operator),
        Grouped(Get, "/rollouts"), Grouped(Get, "/rollouts/start", TokenRole.Operator), Grouped(Post, "/rollouts/start", TokenRole.Operator), Grouped(Get, "/rollouts/{id}"),
        .. RolloutSteps.Verbs.Select(verb => Grouped(Post, $"/rollouts/{{id}}/{verb}", verb == RolloutSteps.Approve ? TokenRole.Approver : TokenRole.Operator)),
        Whole(Get, "/publish", TokenRole.Publisher), Whole(Post, "/publish/upload", TokenRole.Publisher), Whole(Post, "/publish/git", TokenRole.Publisher), Whole(Post, "/publish/directory", TokenRole.Publisher),
        Whole(Get, "/publish/{id}", TokenRole.Publisher), Whole(Post, "/publish/{id}/confirm", TokenRole.Publisher), Whole(Post, "/publish/{id}/drop", TokenRole.Publisher),
        Whole(Get, "/storage"), Whole(Post, "/storage/count", TokenRole.Operator), Whole(Post, "/storage/preview", TokenRole.Operator),
        Whole(Get, "/reference"), Whole(Get, "/audit"), Whole(Get, "/audit.csv"),
        Whole(Get, "/users", TokenRole.Admin), Whole(Post, "/users/add", TokenRole.Admin), Whole(Post, "/users/expect", TokenRole.Admin), Whole(Post, "/users/role", TokenRole.Admin), Whole(Post, "/users/limit", TokenRole.Admin), Whole(Post, "/users/password", TokenRole.Admin),
        Whole(Post, "/users/disable", TokenRole.Admin), Whole(Post, "/users/enable", TokenRole.Admin),
        Whole(Get, "/tokens", TokenRole.Admin), Whole(Post, "/tokens/create", TokenRole.Admin), Whole(Post, "/tokens/revoke", TokenRole.Admin),
        Whole(Get, "/webhooks", TokenRole.Admin), Whole(Get, "/webhooks/{id}", TokenRole.Admin), Whole(Post, "/webhooks/add", TokenRole.Admin), Whole(Post, "/webhooks/{id}/test", TokenRole.Admin), Whole(Post, "/webhooks/{id}/remove", TokenRole.Admin),
    ];

    private static PageRoute Own(string method, string pattern) => new(method, pattern, TokenRole.Viewer, IsGrouped: true);

    private static PageRoute Grouped(string method, string pattern, string role = TokenRole.Viewer) => new(method, pattern, role, IsGrouped: true);

    private static PageRoute Whole(string method, string pattern, string role = TokenRole.Viewer) => new(method, pattern, role);
}
