using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Fleet.Policies;

/// <summary>
/// What devices are to do: device before group before branch, and at each a rollout that is newer than the policy. Pure: given what was
/// said and what a device is, the same comes of it every time.
/// </summary>
/// <param name="policies">What was said of groups and branches, by scope.</param>
/// <param name="ranks">The groups; the lowest rank decides first.</param>
/// <param name="rollouts">The newest rollout of each scope and branch.</param>
internal sealed class FleetRules(
    IReadOnlyDictionary<PolicyScope, Policy> policies, IReadOnlyDictionary<Groups.GroupName, long> ranks, IReadOnlyDictionary<(PolicyScope, BranchName), Rollout> rollouts)
{
    public Decision Decide(FleetDevice device, BranchLine line, DateTimeOffset now)
    {
        var decided = ScopesOf(device).Select(scope => Decide(scope, device, line, now)).FirstOrDefault(s => s is not null)
            ?? new Decision(new Directive.Follow(), line.Newest?.Commit, $"branch {device.Branch}");
        return Hop(decided, device, line);
    }

    private IEnumerable<PolicyScope> ScopesOf(FleetDevice device)
    {
        yield return new PolicyScope.Device(device.Id);
        foreach (var group in device.Groups.OrderBy(g => ranks.GetValueOrDefault(g, long.MaxValue)).ThenBy(g => g.ToString(), StringComparer.Ordinal))
            yield return new PolicyScope.Group(group);
        yield return new PolicyScope.Branch(device.Branch);
    }

    private Decision? Decide(PolicyScope scope, FleetDevice device, BranchLine line, DateTimeOffset now)
    {
        var policy = (scope is PolicyScope.Device ? device.Policy : policies.GetValueOrDefault(scope)) is { } said && !said.IsOver(now) ? said : null;
        if (rollouts.GetValueOrDefault((scope, device.Branch)) is { } rollout && Governs(rollout, policy, line))
            return ByRollout(rollout, device, line);
        return policy is null ? null : ByPolicy(policy, device, line);
    }

    // What was said after it began, or a later head where heads are followed, is newer than what it left behind.
    private static bool Governs(Rollout rollout, Policy? policy, BranchLine line) => rollout.State switch
    {
        RolloutState.Finished => false,
        RolloutState.Waiting or RolloutState.Running or RolloutState.Paused => policy is null || policy.Created <= rollout.Created,
        _ => policy is null or { Action: PolicyAction.Follow } ? (line.Newest?.Sequence ?? 0) <= rollout.Sequence && (policy?.Created ?? default) <= rollout.Created : policy.Created <= rollout.Created,
    };

    // A commit that the branch never was at: somebody else of the group follows another branch.
    private static Decision? ByPolicy(Policy policy, FleetDevice device, BranchLine line)
    {
        Directive directive;
        switch (policy.Action)
        {
            case PolicyAction.Follow:
                directive = new Directive.Follow();
                break;
            case PolicyAction.Hold:
                directive = new Directive.Hold();
                break;
            default:
                if (policy.Commit is not { } commit || line.Find(commit) is not { } position)
                    return null;
                directive = policy.Action == PolicyAction.Pin ? new Directive.Run(commit, position.Sequence) : Below(position, device, line);
                break;
        }
        return new Decision(directive, TargetOf(directive, device, line), policy.Scope.Words) { By = policy.By, Reason = policy.Reason, Until = policy.Expires };
    }

    // Nobody goes back because of a ceiling.
    private static Directive Below(BranchPoint ceiling, FleetDevice device, BranchLine line) =>
        line.Newest is { } newest && newest.Sequence <= ceiling.Sequence ? new Directive.Follow()
        : device.Running is { } running && line.Find(running) is { } at && at.Sequence > ceiling.Sequence ? new Directive.Hold()
        : new Directive.Run(ceiling.Commit, ceiling.Sequence);

    private static Decision ByRollout(Rollout rollout, FleetDevice device, BranchLine line)
    {
        var wave = rollout.Plan.WaveOf(device.Id);
        var offer = device.Offers.GetValueOrDefault(rollout.Id);
        var isRefused = offer == OfferState.Failed || device.Failed == rollout.Commit || device.Refused.Contains(rollout.Commit);
        var isReverted = rollout.State == RolloutState.Reverted;
        var isIn = !isReverted && !isRefused && (offer is not null || device.Running == rollout.Commit);
        var directive = isIn ? new Directive.Run(rollout.Commit, rollout.Sequence) : Before(rollout, device, line, isReverted);
        return new Decision(directive, TargetOf(directive, device, line), $"rollout {rollout.Id}")
        {
            By = rollout.By,
            Reason = rollout.Reason,
            Governed = (rollout.Id, wave ?? rollout.Plan.Waves.Count),
            IsOfferable = rollout.State == RolloutState.Running && offer is null && !isRefused && wave <= rollout.Wave,
        };
    }

    // Whoever an earlier rollout brought further stays there until this one reaches it.
    private static Directive Before(Rollout rollout, FleetDevice device, BranchLine line, bool isReverted) =>
        rollout.Baseline is not { } baseline || line.Find(baseline) is not { } point ? new Directive.Hold()
        : !isReverted && device.Running is { } running && line.Find(running) is { } at && at.Sequence > point.Sequence && at.Sequence < rollout.Sequence ? new Directive.Hold()
        : new Directive.Run(point.Commit, point.Sequence);

    private static ObjectId? TargetOf(Directive directive, FleetDevice device, BranchLine line) => directive switch
    {
        Directive.Run run => run.Commit,
        Directive.Follow => line.Newest?.Commit,
        _ => device.Running,
    };

    // A barrier is not passed over: what it migrates the next commits rely on.
    private static Decision Hop(Decision decision, FleetDevice device, BranchLine line)
    {
        var end = decision.Directive switch
        {
            Directive.Run run => run.Sequence,
            Directive.Follow => line.Newest?.Sequence ?? 0,
            _ => 0,
        };
        return end > 0 && device.Running is { } running && line.Find(running) is { } at && line.NextBarrier(at.Sequence, end) is { } barrier && barrier.Commit != device.Failed
            ? decision with { Directive = new Directive.Run(barrier.Commit, barrier.Sequence), Target = barrier.Commit, IsHop = true }
            : decision;
    }
}
