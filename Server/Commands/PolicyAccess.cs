using System.CommandLine;
using ContentTree.Server.Auditing;
using ContentTree.Server.Client;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Server.Storage;
using ContentTree.Server.Trust;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Commands;

/// <summary>Groups, policies and rollouts of local data or of a running server: the same verbs for both.</summary>
internal sealed class PolicyAccess : IDisposable
{
    private const int Shown = 100;

    private readonly ServerClient? _client;
    private readonly DataDirectory? _data;
    private readonly TimeProvider _time;

    private PolicyAccess(ServerClient? client, DataDirectory? data, TimeProvider time) => (_client, _data, _time) = (client, data, time);

    public static PolicyAccess Open(CommandContext context, ParseResult parsed, Option<Uri?> server, Option<string?> token) =>
        CommandContext.Connect(parsed, server, token) is { } client ? new PolicyAccess(client, null, context.Time) : new PolicyAccess(null, context.OpenData(parsed), context.Time);

    private DataDirectory Data => _data ?? throw new System.Diagnostics.UnreachableException();

    private Database Database => field ??= Data.OpenDatabase();

    private Decisions Decisions => field ??= new Decisions(Data, Database, _time);

    private PolicyChanges Policies => new(Data, Database, Decisions, _time);

    private RolloutSteps Steps => new(Data, Database, Decisions, _time);

    private Groups Groups => new(Database, _time);

    private static Actor By => Actor.Here;

    /// <exception cref="UsageException">Keys were named for a server elsewhere, which signs with its own.</exception>
    public async Task<PolicyInfo> SetPolicyAsync(PolicyScope scope, PolicyRequest request, IReadOnlyList<ISigner> signers, CancellationToken cancellation)
    {
        RequireOwnKeys(signers);
        if (_client is null)
            return Policies.Set(scope, request, By, signers).Describe();
        return await _client.PutAsync(Routes.Policy(scope.ToString()), request, ProtocolJson.Default.PolicyRequest, ProtocolJson.Default.PolicyInfo, cancellation);
    }

    public async Task RemovePolicyAsync(PolicyScope scope, IReadOnlyList<ISigner> signers, CancellationToken cancellation)
    {
        RequireOwnKeys(signers);
        if (_client is null)
            Policies.Remove(scope, By, signers);
        else
            await _client.DeleteAsync(Routes.Policy(scope.ToString()), cancellation);
    }

    /// <param name="request">Null for taking back what was said.</param>
    public async Task<PolicyPreview> PreviewAsync(PolicyScope scope, PolicyRequest? request, CancellationToken cancellation)
    {
        if (_client is null)
            return Policies.Preview(scope, request, By.Name);
        return request is null
            ? await _client.PostAsync(Routes.Policy(scope.ToString()), ProtocolJson.Default.PolicyPreview, cancellation)
            : await _client.PostAsync(Routes.Policy(scope.ToString()), request, ProtocolJson.Default.PolicyRequest, ProtocolJson.Default.PolicyPreview, cancellation);
    }

    public async Task<IReadOnlyList<PolicyInfo>> PoliciesAsync(CancellationToken cancellation) => _client is null
        ? [.. new PolicyBook(Database).List().Select(p => p.Describe())]
        : (await _client.GetAsync(Routes.Policies, ProtocolJson.Default.PolicyList, cancellation)).Policies;

    public async Task<PolicyInfo> SetPlanAsync(PolicyScope scope, RolloutPlan plan, CancellationToken cancellation)
    {
        if (_client is null)
            return Policies.SetPlan(scope, plan, By).Describe();
        return await _client.PutAsync(Routes.Plan(scope.ToString()), plan, ProtocolJson.Default.RolloutPlan, ProtocolJson.Default.PolicyInfo, cancellation);
    }

    public async Task RemovePlanAsync(PolicyScope scope, CancellationToken cancellation)
    {
        if (_client is null)
            Policies.RemovePlan(scope, By);
        else
            await _client.DeleteAsync(Routes.Plan(scope.ToString()), cancellation);
    }

    public async Task<IReadOnlyList<GroupInfo>> GroupsAsync(CancellationToken cancellation)
    {
        if (_client is not null)
            return (await _client.GetAsync(Routes.Groups, ProtocolJson.Default.GroupList, cancellation)).Groups;
        var said = new PolicyBook(Database).List().ToDictionary(p => p.Scope);
        return [.. Groups.List().Select(g => Describe(g, said.GetValueOrDefault(new PolicyScope.Group(g.Name))))];
    }

    public async Task<GroupInfo> SetGroupAsync(GroupName name, GroupRequest request, CancellationToken cancellation)
    {
        if (_client is null)
        {
            var group = Groups.Set(name, request.Rank, request.Filter, request.SilentPolls);
            Note("group.set", name, $"rank {group.Rank}, filter {group.Filter}{(group.SilentPolls is { } polls ? $", silent after {polls} polls" : "")}");
            return Describe(group, null);
        }
        return await _client.PutAsync(Routes.Group(name.ToString()), request, ProtocolJson.Default.GroupRequest, ProtocolJson.Default.GroupInfo, cancellation);
    }

    public async Task RemoveGroupAsync(GroupName name, CancellationToken cancellation)
    {
        if (_client is null)
        {
            Groups.Remove(name);
            Note("group.remove", name);
        }
        else
            await _client.DeleteAsync(Routes.Group(name.ToString()), cancellation);
    }

    public async Task ListAsync(GroupName name, KeyId device, bool isListed, CancellationToken cancellation)
    {
        if (_client is null)
        {
            Groups.List(name, device, isListed);
            Note(isListed ? "group.add" : "group.drop", name, $"{device}");
        }
        else if (isListed)
            await _client.PutAsync(Routes.GroupDevice(name.ToString(), device), new StringContent(""), cancellation);
        else
            await _client.DeleteAsync(Routes.GroupDevice(name.ToString(), device), cancellation);
    }

    public async Task LabelAsync(KeyId device, IReadOnlyDictionary<string, string?> labels, CancellationToken cancellation)
    {
        if (_client is null)
        {
            Groups.Label(device, labels);
            Note("device.label", device, string.Join(", ", labels.Select(l => $"{l.Key}={l.Value}")));
        }
        else
            await _client.PutAsync(Routes.Labels(device), new LabelsRequest(labels), ProtocolJson.Default.LabelsRequest, cancellation);
    }

    public async Task<RolloutInfo> StartAsync(RolloutRequest request, CancellationToken cancellation)
    {
        if (_client is not null)
            return await _client.PostAsync(Routes.Rollouts, request, ProtocolJson.Default.RolloutRequest, ProtocolJson.Default.RolloutInfo, cancellation);
        var started = Steps.Start(request, By);
        Decisions.Refresh(cancellation.ThrowIfCancellationRequested);
        return Describe(started);
    }

    public async Task<RolloutInfo> StepAsync(long id, string step, string? reason, CancellationToken cancellation)
    {
        if (_client is null)
            return Describe(Steps.Step(id, step, reason, By));
        return await _client.PostAsync($"{Routes.Rollout(id)}/{step}", new RolloutStepRequest(reason), ProtocolJson.Default.RolloutStepRequest, ProtocolJson.Default.RolloutInfo, cancellation);
    }

    public async Task<RolloutInfo> RolloutAsync(long id, CancellationToken cancellation)
    {
        if (_client is not null)
            return await _client.GetAsync(Routes.Rollout(id), ProtocolJson.Default.RolloutInfo, cancellation);
        using var connection = Database.Connect();
        return Describe(RolloutBook.Find(connection, id));
    }

    public async Task<IReadOnlyList<RolloutInfo>> RolloutsAsync(CancellationToken cancellation)
    {
        if (_client is not null)
            return (await _client.GetAsync($"{Routes.Rollouts}?limit={Shown}", ProtocolJson.Default.RolloutList, cancellation)).Rollouts;
        using var connection = Database.Connect();
        return [.. RolloutBook.List(connection, Shown).Select(Describe)];
    }

    public async Task<IReadOnlyList<RolloutDeviceInfo>> RolloutDevicesAsync(long id, string? state, CancellationToken cancellation)
    {
        if (_client is not null)
            return (await _client.GetAsync($"{Routes.Rollout(id)}/devices?limit={Shown}&state={state}", ProtocolJson.Default.RolloutDeviceList, cancellation)).Devices;
        using var connection = Database.Connect();
        return RolloutBook.Devices(connection, id, Shown, null, state);
    }

    public void Dispose()
    {
        _client?.Dispose();
        _data?.Dispose();
    }

    private void Note(string verb, object subject, string? after = null) => new Audit(Data, _time).Note(By, verb, subject, after: after);

    private void RequireOwnKeys(IReadOnlyList<ISigner> signers)
    {
        if (_client is not null && signers.Count > 0)
            throw new UsageException("--key and --signer work on the server's data, not with --server");
    }

    private RolloutInfo Describe(Rollout rollout)
    {
        using var connection = Database.Connect();
        return RolloutBook.Describe(rollout, RolloutBook.Count(connection, rollout, _time.GetUtcNow()));
    }

    private static GroupInfo Describe(Group group, Policy? policy) => new(group.Name.ToString(), group.Rank, group.Devices, group.Filter, policy?.Describe(), group.SilentPolls);
}
