using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Fleet.Policies;

/// <summary>What a device is to do, and what that follows from.</summary>
/// <param name="Directive">What it is told.</param>
/// <param name="Target">The commit that it should run; null when nothing was published, or it is held and runs nothing.</param>
/// <param name="Origin">What decided.</param>
internal sealed record Decision(Directive Directive, ObjectId? Target, string Origin)
{
    public string By { get; init; } = "";

    public string Reason { get; init; } = "";

    public DateTimeOffset? Until { get; init; }

    /// <summary>The rollout that decides about it, and the wave that it is in; null for none.</summary>
    public (long Rollout, int Wave)? Governed { get; init; }

    /// <summary>The rollout may reach it now.</summary>
    public bool IsOfferable { get; init; }

    /// <summary>A barrier that it has to run on the way.</summary>
    public bool IsHop { get; init; }

    public string Action => Directive switch
    {
        Directive.Follow => "follow",
        Directive.Run => "pin",
        _ => "hold",
    };

    public DecisionInfo Describe(string why) => new(Action, Origin, why, By.Length > 0 ? By : null, Reason.Length > 0 ? Reason : null, Until);
}
