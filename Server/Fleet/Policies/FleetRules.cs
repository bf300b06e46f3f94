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
    public Decision Decide(FleetDevice device, BranchLine line, DateTimeOffset now) => Hop(Decide([.. ScopesOf(device)], device, line, now), device, line);

    // What the first of these scopes says, else what the wider ones do.
    private Decision Decide(ReadOnlySpan<PolicyScope> scopes, FleetDevice device, BranchLine line, DateTimeOffset now)
    {
        if (scopes.IsEmpty)
            return new Decision(new Directive.Follow(), line.Newest?.Commit, $"branch {device.Branch}");
        var policy = (scopes[0] is PolicyScope.Device ? device.Policy : policies.GetValueOrDefault(scopes[0])) is { } said && !said.IsOver(now) ? said : null;
        var own = policy is null ? null : ByPolicy(policy, device, line);
        if (rollouts.GetValueOrDefault((scopes[0], device.Branch)) is not { } rollout || policy?.Created > rollout.Created)
            return own ?? Decide(scopes[1..], device, line, now);
        var without = own ?? Decide(scopes[1..], device, line, now);
        // Whoever followed the branch before follows it again.
        return rollout.State == RolloutState.Finished && rollout.Plan.IsForAll && without.Directive is Directive.Follow ? without : ByRollout(rollout, device, line, without);
    }

    private IEnumerable<PolicyScope> ScopesOf(FleetDevice device)
    {
        yield return new PolicyScope.Device(device.Id);
        foreach (var group in device.Groups.OrderBy(g => ranks.GetValueOrDefault(g, long.MaxValue)).ThenBy(g => g.ToString(), StringComparer.Ordinal))
            yield return new PolicyScope.Group(group);
        yield return new PolicyScope.Branch(device.Branch);
    }

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

    // Nobody goes back because of a ceiling. Never "follow", also not where the branch is there: it may go on before the device hears of it.
    private static Directive Below(BranchPoint ceiling, FleetDevice device, BranchLine line) =>
        device.Running is { } running && line.Find(running) is { } at && at.Sequence > ceiling.Sequence ? new Directive.Hold() : new Directive.Run(ceiling.Commit, ceiling.Sequence);

    private static Decision ByRollout(Rollout rollout, FleetDevice device, BranchLine line, Decision without)
    {
        var wave = rollout.Plan.WaveOf(device.Id);
        var offer = device.Offers.GetValueOrDefault(rollout.Id);
        var isRefused = offer == OfferState.Failed || device.Failed == rollout.Commit || device.Refused.Contains(rollout.Commit);
        var isThere = device.Running == rollout.Commit || device.Wanted == rollout.Commit;
        // An offer that nobody has taken up is taken back when it stops.
        var isOffered = offer == OfferState.Confirmed || (offer is not null && rollout.State is RolloutState.Running or RolloutState.Waiting or RolloutState.Finished);
        var isIn = rollout.State != RolloutState.Reverted && !isRefused && (isOffered || isThere);
        var directive = isIn ? new Directive.Run(rollout.Commit, rollout.Sequence) : Before(rollout, device, line, without);
        return new Decision(directive, TargetOf(directive, device, line), $"rollout {rollout.Id}")
        {
            By = rollout.By,
            Reason = rollout.Reason,
            Governed = (rollout.Id, wave ?? rollout.Plan.Waves.Count),
            // Who comes late, after its end, is taken along as well.
            IsOfferable = rollout.State is RolloutState.Running or RolloutState.Finished && offer is null && !isRefused && wave <= rollout.Wave,
        };
    }

    // Whoever was not reached does what it did before: what the scope was at, or, where nobody had said anything of it, what wider ones say, but
    // never what would be the rollout's commit or later. Whoever an earlier rollout brought further stays there until this one reaches it.
    private static Directive Before(Rollout rollout, FleetDevice device, BranchLine line, Decision without)
    {
        if (rollout.Baseline is not { } baseline)
            return without.Directive is Directive.Run run && run.Sequence < rollout.Sequence ? run : new Directive.Hold();
        if (line.Find(baseline) is not { } point)
            return new Directive.Hold();
        return rollout.State != RolloutState.Reverted && device.Running is { } running && line.Find(running) is { } at && at.Sequence > point.Sequence && at.Sequence < rollout.Sequence
            ? new Directive.Hold()
            : new Directive.Run(point.Commit, point.Sequence);
    }

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
        if (end == 0 || device.Running is not { } running || line.Find(running) is not { } at || line.NextBarrier(at.Sequence, end) is not { } barrier)
            return decision;
        // One that failed here is not got round: the device stays before it.
        return barrier.Commit == device.Failed || device.Refused.Contains(barrier.Commit)
            ? decision with { Directive = new Directive.Hold(), Target = running, IsHop = true }
            : decision with { Directive = new Directive.Run(barrier.Commit, barrier.Sequence), Target = barrier.Commit, IsHop = true };
    }
}
