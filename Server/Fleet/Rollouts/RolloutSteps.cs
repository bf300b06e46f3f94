using System.Data.Common;
using System.Text.Json.Nodes;
using ContentTree.Server.Auditing;
using ContentTree.Server.Commands;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Server.Webhooks;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet.Rollouts;

/// <summary>What people, plans and the rules do with rollouts: start them and steer them, each step with its line in the audit log.</summary>
internal sealed class RolloutSteps(DataDirectory data, Database database, Decisions decisions, TimeProvider time)
{
    /// <summary>The step that lets one begin, or go on to its next wave; for approvers.</summary>
    public const string Approve = "approve";

    /// <summary>The steps that a person takes.</summary>
    public static IReadOnlyList<string> Verbs { get; } = [Approve, "next", "pause", "resume", "abort", "revert"];

    private readonly Audit _audit = new(data, time);

    private readonly Outbox _outbox = new(database, time);

    /// <summary>Starts one. Devices that it has not reached stay at what their scope was at.</summary>
    /// <exception cref="NotFoundException">No such scope or commit, or no fleet key is at hand.</exception>
    /// <exception cref="FleetConflictException">Another one is at work there, or there is nothing to do.</exception>
    /// <exception cref="FormatException">The plan makes no sense.</exception>
    public Rollout Start(RolloutRequest request, Actor by)
    {
        var (scope, commit, plan, reason) = Read(request);
        using var connection = database.Connect();
        var branch = BranchOf(connection, scope, commit);
        using var transaction = connection.BeginWriting();
        var rollout = RolloutBook.Add(connection, Prepare(connection, scope, branch, commit, plan, by.Name, reason));
        var noted = NoteStart(connection, by, rollout);
        transaction.Commit();
        _audit.Raise(connection, noted);
        return rollout;
    }

    /// <summary>Whom starting it would reach, refused as the start would be; nothing is changed.</summary>
    public RolloutOutlook Preview(RolloutRequest request, string by)
    {
        var (scope, commit, plan, reason) = Read(request);
        using var connection = database.Connect();
        var rollout = Prepare(connection, scope, BranchOf(connection, scope, commit), commit, plan, by, reason);
        return Outlook(connection, rollout);
    }

    /// <summary>Whom a rollout is to reach, by what is said of its scope; what stands beside devices follows that a moment later.</summary>
    public static RolloutOutlook Outlook(DbConnection connection, Rollout rollout)
    {
        var devices = ReachOf(connection, rollout.Scope, rollout.Branch).Select(device => (Wave: rollout.Plan.WaveOf(device.Id) ?? -1, device.Running, device.Wanted)).ToArray();
        var waves = devices.GroupBy(device => device.Wave).ToDictionary(wave => wave.Key, wave => wave.LongCount());
        return new RolloutOutlook(rollout, devices.Length, [.. Enumerable.Range(0, rollout.Plan.Waves.Count).Select(wave => waves.GetValueOrDefault(wave))],
            FetchNeed.Of(devices.Where(device => device.Wave >= 0).Select(device => (device.Running, device.Wanted, (ObjectId?)rollout.Commit))));
    }

    /// <summary>Starts the rollout that the plan of a scope asks for, if its branch has gone on; what was under way there is over.</summary>
    public Rollout? StartPlanned(DbConnection connection, Policy policy, BranchName branch)
    {
        if (Due(connection, policy, branch) is null)
            return null;
        using var transaction = connection.BeginWriting();
        // The plan may be gone since it was read, or somebody have started one.
        if (PolicyBook.Find(connection, policy.Scope) is not { } present || Due(connection, present, branch) is not var (plan, head, newest))
            return null;
        if (newest is { IsActive: true })
            MoveByRule(connection, newest, newest with { State = RolloutState.Aborted, Ended = time.GetUtcNow(), Note = $"{branch} has gone on to sequence {head.Sequence}" });
        var rollout = RolloutBook.Add(connection, Prepare(connection, present.Scope, branch, head.Commit, new Plan(plan), $"the plan of {present.Scope.Words}", ""));
        var noted = NoteStart(connection, Actor.Server, rollout);
        Tell(connection, rollout);
        transaction.Commit();
        _audit.Raise(connection, noted);
        return rollout;
    }

    // What the plan of a scope asks for now, and the last rollout there; null when nothing is to be started.
    private (RolloutPlan Plan, BranchPoint Head, Rollout? Newest)? Due(DbConnection connection, Policy policy, BranchName branch)
    {
        if (policy is not { Plan: { } plan, Action: PolicyAction.Pin } || policy.IsOver(time.GetUtcNow()) || decisions.Lines.Of(branch).Newest is not { } head)
            return null;
        var newest = RolloutBook.Newest(connection).FirstOrDefault(r => r.Scope == policy.Scope && r.Branch == branch);
        // A branch that goes back to a commit goes on: what counts is the position, as soon as one was brought by a rollout.
        var isThere = newest is null || policy.Created > newest.Created ? head.Commit == policy.Commit : newest.Sequence >= head.Sequence;
        return isThere ? null : (plan, head, newest);
    }

    /// <summary>Takes a step of <see cref="Verbs"/>.</summary>
    /// <exception cref="NotFoundException">There is no such rollout.</exception>
    /// <exception cref="FleetConflictException">It is not at a point where that can be done.</exception>
    public Rollout Step(long id, string verb, string? reason, Actor by)
    {
        var said = BranchMove.Checked(reason);
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting();
        var seen = RolloutBook.Find(connection, id);
        var next = Next(connection, seen, verb, said.Length > 0 ? $"{by.Name}: {said}" : $"by {by.Name}", said.Length > 0 ? $"{by.Name}: {said}" : by.Name);
        Move(connection, seen, next);
        var noted = _audit.Note(connection, by, $"rollout.{verb}", id, Words(seen), Words(next), said);
        transaction.Commit();
        _audit.Raise(connection, noted);
        return next;
    }

    /// <summary>Takes a rollout to where the rules say that it is now.</summary>
    /// <exception cref="FleetConflictException">Somebody else moved it meanwhile.</exception>
    public Rollout Follow(DbConnection connection, Rollout seen)
    {
        var now = time.GetUtcNow();
        var next = RolloutRules.Next(seen, RolloutBook.Count(connection, seen, now), now);
        if (next == seen)
            return next;
        using var transaction = connection.BeginWriting();
        var noted = MoveByRule(connection, seen, next);
        transaction.Commit();
        _audit.Raise(connection, noted);
        return next;
    }

    // That a wave has come far enough to be watched is no step.
    private AuditHead? MoveByRule(DbConnection connection, Rollout seen, Rollout next)
    {
        Move(connection, seen, next);
        if (next.State == seen.State && next.Wave == seen.Wave)
            return null;
        Tell(connection, next);
        var verb = next.State switch
        {
            RolloutState.Waiting => "wait",
            RolloutState.Paused => "pause",
            RolloutState.Finished => "finish",
            RolloutState.Aborted => "abort",
            RolloutState.Reverted => "revert",
            _ => "next",
        };
        return _audit.Note(connection, Actor.Server, $"rollout.{verb}", next.Id, Words(seen), Words(next), next.Note);
    }

    private AuditHead NoteStart(DbConnection connection, Actor by, Rollout rollout) =>
        _audit.Note(connection, by, "rollout.start", rollout.Id, after: $"{rollout.Commit} to {rollout.Scope}", reason: by == Actor.Server ? rollout.By : rollout.Reason);

    private static string Words(Rollout rollout) => $"{rollout.State}, wave {rollout.Wave + 1}";

    private void Tell(DbConnection connection, Rollout rollout) => _outbox.Add(connection, WebhookEvent.RolloutMoved, new JsonObject
    {
        ["rollout"] = rollout.Id,
        ["scope"] = $"{rollout.Scope}",
        ["branch"] = $"{rollout.Branch}",
        ["commit"] = $"{rollout.Commit}",
        ["state"] = rollout.State.ToString().ToLowerInvariant(),
        ["wave"] = rollout.Wave + 1,
        ["note"] = rollout.Note,
    });

    private static void Move(DbConnection connection, Rollout seen, Rollout next)
    {
        if (!RolloutBook.TryMove(connection, seen, next))
            throw new FleetConflictException($"rollout {seen.Id} was moved meanwhile; look again");
    }

    private (PolicyScope Scope, ObjectId Commit, Plan Plan, string Reason) Read(RolloutRequest request)
    {
        var scope = PolicyScope.Parse(request.Scope);
        if (scope is PolicyScope.Device)
            throw new FormatException("a rollout is for a group or a branch; 'device pin' is for one device");
        var plan = new Plan(request.Plan);
        var reason = BranchMove.Checked(request.Reason);
        new Assignments(data, database, time).RequireKey();
        return (scope, CommitReference.Resolve(data, time, request.Commit), plan, reason);
    }

    private Rollout Next(DbConnection connection, Rollout rollout, string verb, string note, string approval)
    {
        var now = time.GetUtcNow();
        var seen = RolloutBook.Count(connection, rollout, now).Aggregate(RolloutCounts.None, (sum, wave) => sum + wave);
        return (verb, rollout.State) switch
        {
            (Approve, RolloutState.Waiting) => rollout with { State = RolloutState.Running, Note = "", Approved = approval },
            ("pause", RolloutState.Running) => rollout with { State = RolloutState.Paused, Note = $"paused {note}" },
            // Whoever lets it go on has seen the failures so far.
            ("resume", RolloutState.Paused) => rollout with { State = RolloutState.Running, Note = "", Forgiven = seen.Failed, Missed = seen.Lost, Reached = null },
            ("next", RolloutState.Running or RolloutState.Paused) => RolloutRules.Advance(rollout with { Forgiven = seen.Failed, Missed = seen.Lost }, now),
            ("abort", _) when rollout.IsActive => rollout with { State = RolloutState.Aborted, Ended = now, Note = $"aborted {note}" },
            ("revert", not RolloutState.Reverted) => RequireNewest(connection, rollout) with { State = RolloutState.Reverted, Ended = now, Note = $"reverted {note}" },
            _ when Verbs.Contains(verb) => throw new FleetConflictException($"rollout {rollout.Id} is {rollout.State.ToString().ToLowerInvariant()}, so it cannot be told '{verb}'"),
            _ => throw new FormatException($"'{verb}' is no step of a rollout: {string.Join(", ", Verbs)}"),
        };
    }

    // Else it would be said that they go back, and nobody would.
    private static Rollout RequireNewest(DbConnection connection, Rollout rollout)
    {
        if (RolloutBook.Newest(connection).FirstOrDefault(r => r.Scope == rollout.Scope && r.Branch == rollout.Branch)?.Id != rollout.Id)
            throw new FleetConflictException($"a later rollout than {rollout.Id} was started on {rollout.Scope.Words}; revert that one");
        if (PolicyBook.Find(connection, rollout.Scope) is { } policy && policy.Created > rollout.Created)
            throw new FleetConflictException($"{rollout.Scope.Words} was told '{Policy.Word(policy.Action)}' after rollout {rollout.Id} began, which decides there now; pin it to what its devices are to go back to");
        return rollout.Baseline is null && rollout.Scope is PolicyScope.Branch ? throw new FleetConflictException($"there was nothing before rollout {rollout.Id} that its devices could go back to") : rollout;
    }

    private Rollout Prepare(DbConnection connection, PolicyScope scope, BranchName branch, ObjectId commit, Plan plan, string by, string reason)
    {
        var line = decisions.Lines.Of(branch);
        var position = line.Find(commit) ?? throw new NotFoundException($"commit {commit} was never published on {branch} by keys that still count");
        if (RolloutBook.Newest(connection).FirstOrDefault(r => r.Scope == scope && r.Branch == branch && r.IsActive) is { } other)
            throw new FleetConflictException($"rollout {other.Id} is at work on {scope.Words}; 'rollout abort {other.Id}' ends it");
        var baseline = Baseline(connection, scope, branch, line, position);
        if (baseline?.Commit == commit)
            throw new FleetConflictException($"{scope.Words} is at commit {commit} already");
        return new Rollout(0, scope, branch, commit, position.Sequence, baseline?.Commit, plan.For(DevicesOf(connection, scope, branch)), by, reason, time.GetUtcNow())
        {
            State = plan.AsksAtStart ? RolloutState.Waiting : RolloutState.Running,
            Note = plan.AsksAtStart ? "waits for approval" : "",
        };
    }

    // What its devices were to run before: what the last rollout brought, or did not, if nobody said anything since.
    private BranchPoint? Baseline(DbConnection connection, PolicyScope scope, BranchName branch, BranchLine line, BranchPoint target)
    {
        var policy = PolicyBook.Find(connection, scope) is { } said && !said.IsOver(time.GetUtcNow()) ? said : null;
        if (policy?.Action == PolicyAction.Hold)
            throw new FleetConflictException($"{scope.Words} is held; end that first");
        var last = RolloutBook.Newest(connection).FirstOrDefault(r => r.Scope == scope && r.Branch == branch);
        if (last is not null && !(policy?.Created > last.Created) && !(last.State == RolloutState.Finished && last.Plan.IsForAll && policy is null or { Action: PolicyAction.Follow }))
            return (last.State == RolloutState.Finished && last.Plan.IsForAll ? last.Commit : last.Baseline) is { } left ? line.Find(left) : null;
        if (policy is null && scope is PolicyScope.Group && IsLed(connection, new PolicyScope.Branch(branch), branch))
            return null;
        return policy is { Commit: { } commit } ? line.Find(commit) : line.Newest?.Commit == target.Commit ? line.Before(target.Sequence) : line.Newest;
    }

    private bool IsLed(DbConnection connection, PolicyScope.Branch scope, BranchName branch) =>
        PolicyBook.Find(connection, scope) is { Action: not PolicyAction.Follow } policy && !policy.IsOver(time.GetUtcNow()) ||
        RolloutBook.Newest(connection).Any(r => r.Scope == scope && r.Branch == branch);

    private static List<KeyId> DevicesOf(DbConnection connection, PolicyScope scope, BranchName branch) => [.. ReachOf(connection, scope, branch).Select(device => device.Id)];

    private static List<(KeyId Id, ObjectId? Running, ObjectId? Wanted)> ReachOf(DbConnection connection, PolicyScope scope, BranchName branch) => connection.Query("""
            SELECT d.id AS id, d.running AS running, d.wanted AS wanted FROM devices d WHERE d.state = 'accepted' AND d.branch = $branch AND (coalesce($group, '') = '' OR EXISTS (SELECT 1 FROM group_members m WHERE m.device = d.id AND m.group_name = $group))
              AND NOT EXISTS (SELECT 1 FROM policies p WHERE p.scope = 'device:' || d.id)
            """, row => (KeyId.Parse(row.Text("id")), IdOf(row, "running"), IdOf(row, "wanted")), ("$branch", branch), ("$group", (scope as PolicyScope.Group)?.Name.ToString()));

    private static ObjectId? IdOf(DbDataReader row, string column) => row.TextOrNull(column) is { } id ? ObjectId.Parse(id) : null;

    private BranchName BranchOf(DbConnection connection, PolicyScope scope, ObjectId commit)
    {
        if (scope is PolicyScope.Group group)
            new Groups.Groups(database, time).Find(group.Name);
        BranchName[] had = [.. PolicyChanges.BranchesOf(connection, scope).Where(branch => decisions.Lines.Of(branch).Find(commit) is not null)];
        return had switch
        {
            [var branch] => branch,
            [] => throw new NotFoundException($"no branch that the devices of {scope.Words} follow was ever at commit {commit}"),
            _ => throw new FormatException($"the devices of {scope.Words} follow {string.Join(" and ", had)}, which were both at that commit; make a group for each"),
        };
    }
}
