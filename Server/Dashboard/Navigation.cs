using ContentTree.Store.Protocol;

namespace ContentTree.Server.Dashboard;

/// <summary>The pages that are always a click away, as far as somebody's role shows them.</summary>
internal sealed record Navigation(string Name, string Path, string Class = "", string Role = TokenRole.Viewer, bool IsGrouped = false)
{
    private static readonly Navigation[] All =
    [
        new("Overview", "/", IsGrouped: true),
        new("Devices", "/devices", IsGrouped: true),
        new("Approvals", "/approvals", IsGrouped: true),
        new("Branches", "/branches", "next"),
        new("Groups", "/groups", IsGrouped: true),
        new("Configuration", "/configuration"),
        new("Rollouts", "/rollouts", IsGrouped: true),
        new("Publish", "/publish", Role: TokenRole.Publisher),
        new("Storage", "/storage", "next"),
        new("Audit", "/audit"),
        new("Users", "/users", Role: TokenRole.Admin),
        new("Tokens", "/tokens", Role: TokenRole.Admin),
        new("Webhooks", "/webhooks", Role: TokenRole.Admin),
        new("API", "/reference"),
    ];

    public static IEnumerable<Navigation> For(Visitor visitor) => All.Where(entry => entry.IsGrouped ? visitor.May(entry.Role) : visitor.MayAll(entry.Role));
}
