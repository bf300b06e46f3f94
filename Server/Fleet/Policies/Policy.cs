using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Fleet.Policies;

/// <summary>What was said of a scope, by whom, why, and for how long.</summary>
internal sealed record Policy(
    PolicyScope Scope, PolicyAction Action, ObjectId? Commit, string Reason, string By, DateTimeOffset Created, DateTimeOffset? Expires, RolloutPlan? Plan)
{
    public bool IsOver(DateTimeOffset now) => Expires <= now;

    public PolicyInfo Describe() => new(
        Scope.ToString(), Word(Action), By, Created, Commit, Reason.Length > 0 ? Reason : null, Expires, Plan);

    public static string Word(PolicyAction action) => action switch
    {
        PolicyAction.Follow => "follow",
        PolicyAction.Pin => "pin",
        PolicyAction.Ceiling => "ceiling",
        _ => "hold",
    };

    /// <exception cref="FormatException">It is none.</exception>
    public static PolicyAction ActionOf(string word) => word switch
    {
        "follow" => PolicyAction.Follow,
        "pin" => PolicyAction.Pin,
        "ceiling" => PolicyAction.Ceiling,
        "hold" => PolicyAction.Hold,
        _ => throw new FormatException($"'{word}' is none of follow, pin, ceiling and hold"),
    };
}
