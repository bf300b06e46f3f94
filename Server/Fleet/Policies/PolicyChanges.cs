using System.Data.Common;
using ContentTree.Server.Auditing;
using ContentTree.Server.Commands;
using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Server.Trust;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet.Policies;

/// <summary>What people say of devices, groups and branches: checked, signed where it is for one device, written down, with its line in the audit log.</summary>
internal sealed class PolicyChanges(DataDirectory data, Database database, Decisions decisions, TimeProvider time)
{
    /// <summary>A preview names so many changes, those of most devices first.</summary>
    public const int MaxChanges = 20;

    private const string Released = "policy.release";

    private readonly Assignments _assignments = new(data, database, time);

    private readonly Audit _audit = new(data, time);

    /// <summary>Says what the devices of a scope are to do. They hear of it at their next poll.</summary>
    /// <param name="by">Who says so.</param>
    /// <param name="named">Keys beside those of the server's own directory; for a device.</param>
    /// <param name="seen">Looks at what was said of it before, or null, and may throw.</param>
    /// <exception cref="NotFoundException">No such scope or commit, or no fleet key is at hand.</exception>
    /// <exception cref="FleetConflictException">A rollout is at work there.</exception>
    /// <exception cref="FormatException">It makes no sense.</exception>
    public Policy Set(PolicyScope scope, PolicyRequest request, Actor by, IReadOnlyList<ISigner>? named = null, Action<Policy?>? seen = null)
    {
        var policy = Read(scope, request, by.Name);
        if (scope is PolicyScope.Device device)
        {
            Tell(device, policy, by, Said(policy), scope, named, seen);
            return policy;
        }
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting();
        seen?.Invoke(PolicyBook.Find(connection, scope));
        _assignments.RequireKey();
        RequireNoRollout(connection, scope);
        RequireNoPlan(connection, scope, policy);
        PolicyBook.Set(connection, policy);
        var noted = Note(connection, by, Said(policy), scope, policy);
        transaction.Commit();
        _audit.Raise(connection, noted);
        return policy;
    }

    /// <summary>Takes back what was said of a scope: wider ones decide again.</summary>
    public void Remove(PolicyScope scope, Actor by, IReadOnlyList<ISigner>? named = null, Action<Policy?>? seen = null)
    {
        if (scope is PolicyScope.Device device)
        {
            Tell(device, null, by, Released, scope, named, seen);
            return;
        }
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting();
        seen?.Invoke(PolicyBook.Find(connection, scope));
        RequireNoRollout(connection, scope);
        RequireNoPlan(connection, scope, null);
        if (!PolicyBook.Remove(connection, scope))
            throw new NotFoundException($"nothing was said of {scope.Words}");
        var noted = Note(connection, by, Released, scope, null);
        transaction.Commit();
        _audit.Raise(connection, noted);
    }

    /// <summary>As <see cref="Set"/> and <see cref="Remove"/> of one device, answered with what it was told.</summary>
    public AssignmentInfo Assign(KeyId device, AssignmentRequest request, Actor by, IReadOnlyList<ISigner>? named = null)
    {
        var scope = new PolicyScope.Device(device);
        var policy = request.Action == "follow" ? null : Read(scope, new PolicyRequest(request.Action, request.Commit, request.Reason, request.Expires), by.Name);
        Tell(scope, policy, by, $"device.{request.Action}", device, named, null);
        return new Devices(database, new Tokens(database, time), time).Find(device).Assignment ?? new AssignmentInfo("follow", 0, time.GetUtcNow());
    }

    /// <summary>What saying it would change; a null request is for taking back what was said.</summary>
    public PolicyPreview Preview(PolicyScope scope, PolicyRequest? request, string by) => Look(scope, request, by).Preview;

    /// <summary>The same, with the commit that was named and what devices would have to fetch.</summary>
    public (PolicyPreview Preview, ObjectId? Commit, IReadOnlyList<FetchNeed> Needs) Look(PolicyScope scope, PolicyRequest? request, string by)
    {
        var policy = request is null ? null : Read(scope, request, by);
        var (devices, changes, moved) = (0L, new Dictionary<(ObjectId?, ObjectId?), long>(), new List<(ObjectId?, ObjectId?, ObjectId?)>());
        foreach (var (now, then) in Changed(scope, policy))
        {
            devices++;
            if (now.Decision.Target == then)
                continue;
            changes[(now.Decision.Target, then)] = changes.GetValueOrDefault((now.Decision.Target, then)) + 1;
            moved.Add((now.Device.Running, now.Device.Wanted, then));
        }
        return (new PolicyPreview(devices, [.. changes.OrderByDescending(c => c.Value).Take(MaxChanges).Select(c => new PolicyChange(c.Value, c.Key.Item1, c.Key.Item2))]), policy?.Commit, FetchNeed.Of(moved));
    }

    /// <summary>Each new head of a scope's branch goes out by a plan from now on. Until then its devices stay at where the branch is now.</summary>
    /// <exception cref="FormatException">The plan makes no sense.</exception>
    public Policy SetPlan(PolicyScope scope, RolloutPlan plan, Actor by, Action<Policy?>? seen = null)
    {
        if (scope is PolicyScope.Device)
            throw new FormatException("a plan is for a group or a branch");
        _ = new Plan(plan);
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting();
        _assignments.RequireKey();
        if (BranchesOf(connection, scope) is { Count: > 1 } several)
            throw new FormatException($"the devices of {scope.Words} follow {string.Join(" and ", several)}; make a group for each");
        var present = PolicyBook.Find(connection, scope);
        seen?.Invoke(present);
        // It begins with a pin, and would let go at once what somebody holds back.
        if (present is { Action: PolicyAction.Hold or PolicyAction.Ceiling } && !present.IsOver(time.GetUtcNow()))
            throw new FormatException($"{scope.Words} is held back by its policy ({Policy.Word(present.Action)}): take that back first, a plan begins with a pin");
        if (present is { Action: PolicyAction.Pin, Expires: not null })
            throw new FormatException($"the pin of {scope.Words} ends one day, and its plan would end with it: pin it without an end first");
        var pinned = present is { Action: PolicyAction.Pin }
            ? present
            : new Policy(scope, PolicyAction.Pin, BranchesOf(connection, scope) is [var branch, ..] ? decisions.Lines.Of(branch).Newest?.Commit : null, "", by.Name, time.GetUtcNow(), null, null);
        if (pinned.Commit is null)
            throw new NotFoundException($"nothing was published for {scope.Words} yet: publish first, then set the plan");
        PolicyBook.Set(connection, pinned with { Plan = plan });
        var noted = _audit.Note(connection, by, "policy.plan", scope, after: $"{plan.Waves.Count} waves, pinned to {pinned.Commit}");
        transaction.Commit();
        _audit.Raise(connection, noted);
        return pinned with { Plan = plan };
    }

    /// <exception cref="NotFoundException">There is none.</exception>
    public void RemovePlan(PolicyScope scope, Actor by, Action<Policy?>? seen = null)
    {
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting();
        seen?.Invoke(PolicyBook.Find(connection, scope));
        PolicyBook.RemovePlan(connection, scope);
        var noted = _audit.Note(connection, by, "policy.no-plan", scope);
        transaction.Commit();
        _audit.Raise(connection, noted);
    }

    /// <summary>The branches that the devices of a scope follow, that of most of them first.</summary>
    public static IReadOnlyList<BranchName> BranchesOf(DbConnection connection, PolicyScope scope) => scope switch
    {
        PolicyScope.Branch branch => [branch.Name],
        PolicyScope.Group group => connection.Query(
            "SELECT d.branch AS branch FROM devices d JOIN group_members m ON m.device = d.id WHERE m.group_name = $name GROUP BY d.branch ORDER BY count(*) DESC, d.branch",
            row => BranchName.Parse(row.Text("branch")), ("$name", group.Name)),
        PolicyScope.Device device => connection.Query("SELECT branch FROM devices WHERE id = $id", row => BranchName.Parse(row.Text("branch")), ("$id", device.Id)),
        _ => [],
    };

    private Policy Read(PolicyScope scope, PolicyRequest request, string by)
    {
        var action = Policy.ActionOf(request.Action);
        if (request.Expires <= time.GetUtcNow())
            throw new FormatException("it would have ended already");
        using var connection = database.Connect();
        RequireExists(connection, scope);
        ObjectId? commit = action is PolicyAction.Pin or PolicyAction.Ceiling
            ? CommitReference.Resolve(data, time, request.Commit ?? throw new FormatException($"a {request.Action} names a commit"))
            : null;
        if (commit is { } named)
            RequireHad(connection, scope, named);
        return new Policy(scope, action, commit, BranchMove.Checked(request.Reason), by, time.GetUtcNow(), request.Expires, null);
    }

    // What no device of the scope could prove, none would obey.
    private void RequireHad(DbConnection connection, PolicyScope scope, ObjectId commit)
    {
        var branches = BranchesOf(connection, scope);
        if (branches.Count > 0 && !branches.Any(branch => decisions.Lines.Of(branch).Find(commit) is not null))
            throw new NotFoundException($"commit {commit} was never published on {string.Join(" or ", branches)}, which {(scope is PolicyScope.Device ? "the device follows" : "its devices follow")}, by keys that still count");
    }

    private void RequireExists(DbConnection connection, PolicyScope scope)
    {
        switch (scope)
        {
            case PolicyScope.Device device when BranchesOf(connection, device).Count == 0:
                throw new NotFoundException($"no device {device.Id}; 'device list' shows all");
            case PolicyScope.Group group:
                new Groups.Groups(database, time).Find(group.Name);
                break;
            case PolicyScope.Branch branch when decisions.Lines.Of(branch.Name).Newest is null && !new EmptyBranches(database).Contains(branch.Name):
                throw new NotFoundException($"no branch {branch.Name}");
        }
    }

    private static void RequireNoRollout(DbConnection connection, PolicyScope scope)
    {
        if (RolloutBook.Newest(connection).FirstOrDefault(r => r.Scope == scope && r.IsActive) is { } rollout)
            throw new FleetConflictException($"rollout {rollout.Id} is at work on {scope.Words}; 'rollout abort {rollout.Id}' ends it");
    }

    // Its pin is where its devices are proved to be; without that they would be told the newest head at once.
    private static void RequireNoPlan(DbConnection connection, PolicyScope scope, Policy? policy)
    {
        if (PolicyBook.Find(connection, scope)?.Plan is not null && policy is not { Action: PolicyAction.Pin, Expires: null })
            throw new FleetConflictException($"each new head goes to {scope.Words} by a plan: 'rollout plan --none' takes it away, 'rollout pause' stops a rollout, and what is said of a group or a device goes before it");
    }

    // Signed before it is written down: where there is no key to sign with, nothing was said.
    private void Tell(PolicyScope.Device scope, Policy? policy, Actor by, string verb, object subject, IReadOnlyList<ISigner>? named, Action<Policy?>? expected)
    {
        using var connection = database.Connect();
        // Before somebody is asked to sign.
        expected?.Invoke(PolicyBook.Find(connection, scope));
        var seen = decisions.Of(connection, scope.Id) ?? throw new NotFoundException($"no device {scope.Id}; 'device list' shows all");
        var decision = decisions.Rules(connection).Decide(seen.Device with { Policy = policy }, decisions.Lines.Of(seen.Device.Branch), time.GetUtcNow());
        var told = _assignments.Sign(scope.Id, seen.Device.Branch, decision, named);
        using var transaction = connection.BeginWriting();
        expected?.Invoke(PolicyBook.Find(connection, scope));
        if (told is not null)
            Assignments.Write(connection, told);
        if (policy is null)
            PolicyBook.Remove(connection, scope);
        else
            PolicyBook.Set(connection, policy);
        Decisions.Write(connection, seen with { Decision = decision });
        var noted = Note(connection, by, verb, subject, policy);
        transaction.Commit();
        _audit.Raise(connection, noted);
    }

    private AuditHead Note(DbConnection connection, Actor by, string verb, object subject, Policy? policy) => _audit.Note(connection, by, verb, subject,
        after: policy is null ? null : $"{policy.Commit}{(policy.Expires is { } until ? $" until {until:u}" : "")}", reason: policy?.Reason);

    private static string Said(Policy policy) => $"policy.{Policy.Word(policy.Action)}";

    private IEnumerable<(Seen Now, ObjectId? Then)> Changed(PolicyScope scope, Policy? policy)
    {
        if (scope is PolicyScope.Device one)
        {
            using var connection = database.Connect();
            var seen = decisions.Of(connection, one.Id) ?? throw new NotFoundException($"no device {one.Id}; 'device list' shows all");
            yield return (seen, decisions.Rules(connection).Decide(seen.Device with { Policy = policy }, decisions.Lines.Of(seen.Device.Branch), time.GetUtcNow()).Target);
            yield break;
        }
        var compared = decisions.Compare(c => Decisions.ReadRules(c, PolicyBook.Shared(c).Where(p => p.Scope != scope).Concat(policy is null ? [] : [policy])));
        foreach (var (now, then) in compared.Where(pair => IsIn(scope, pair.Now.Device)))
            yield return (now, then.Decision.Target);
    }

    private static bool IsIn(PolicyScope scope, FleetDevice device) => scope switch
    {
        PolicyScope.Group group => device.Groups.Contains(group.Name),
        PolicyScope.Branch branch => device.Branch == branch.Name,
        _ => false,
    };
}
