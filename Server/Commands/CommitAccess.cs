using System.CommandLine;
using ContentTree.Server.Client;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Privacy;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Commands;

/// <summary>The commits of local data or of a running server: the same verbs for both. Of a running one, what a verb reads is fetched first.</summary>
internal sealed class CommitAccess : IDisposable
{
    // As many as a server tells at once.
    private const int PageSize = 1000;

    private readonly ServerClient? _client;
    private readonly Mirror? _mirror;
    private readonly TimeProvider _time;

    private CommitAccess(ServerClient? client, Mirror? mirror, DataDirectory data, TimeProvider time) => (_client, _mirror, Data, _time) = (client, mirror, data, time);

    /// <summary>Where what was found can be read.</summary>
    public DataDirectory Data { get; }

    public static async Task<CommitAccess> OpenAsync(CommandContext context, ParseResult parsed, Option<Uri?> server, Option<string?> token, CancellationToken cancellation)
    {
        if (CommandContext.Connect(parsed, server, token) is not { } client)
            return new CommitAccess(null, null, context.OpenData(parsed), context.Time);
        try
        {
            var mirror = await Mirror.OpenAsync(client, cancellation);
            return new CommitAccess(client, mirror, mirror.Data, context.Time);
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>The commit that a person means, to be read as far as <paramref name="reach"/> says.</summary>
    /// <exception cref="NotFoundException">No such branch or commit, or several commits start like this.</exception>
    public async Task<ObjectId> FindAsync(string text, Reach reach, CancellationToken cancellation)
    {
        if (_mirror is null)
            return CommitReference.Resolve(Data, _time, text);
        var id = await _mirror.ResolveAsync(text, cancellation);
        await _mirror.FetchAsync(id, reach, cancellation);
        return id;
    }

    /// <summary>Whether a commit is there; it can then be read as far as <paramref name="reach"/> says.</summary>
    public async Task<bool> IsThereAsync(ObjectId commit, Reach reach, CancellationToken cancellation)
    {
        if (_mirror is null)
            return Data.Repository.Contains(new ObjectName(ObjectKind.Commit, commit));
        try
        {
            await _mirror.FetchAsync(commit, reach, cancellation);
            return true;
        }
        catch (RemoteProblemException e) when (e.Problem.Code == ProblemCode.NotFound)
        {
            return false;
        }
    }

    /// <summary>Makes a file's content be here.</summary>
    public Task FetchAsync(TreeEntry.File file, CancellationToken cancellation) => _mirror?.FetchAsync(file, cancellation) ?? Task.CompletedTask;

    /// <summary>Commits in their line, newest first, back to where history was pruned.</summary>
    public async Task<IReadOnlyList<(ObjectId Id, Commit Commit)>> LogAsync(ObjectId newest, int limit, CancellationToken cancellation)
    {
        if (_mirror is null)
            return [.. new CommitLog(Data, _time).Walk(newest).Take(limit)];
        var commits = new List<(ObjectId, Commit)>();
        for (ObjectId? next = newest; next is { } id && commits.Count < limit && await IsThereAsync(id, Reach.Commit, cancellation);)
        {
            var commit = Data.Repository.ReadCommit(id);
            commits.Add((id, commit));
            next = commit.Parents.Count > 0 ? commit.Parents[0] : null;
        }
        return commits;
    }

    /// <summary>The numbers that a branch's commits have there, the highest of each.</summary>
    public async Task<IReadOnlyDictionary<ObjectId, long>> SequencesAsync(BranchName branch, CancellationToken cancellation) => _mirror is null
        ? new CommitLog(Data, _time).Sequences(branch)
        : (await HistoryAsync(branch, cancellation)).GroupBy(p => p.Commit).ToDictionary(g => g.Key, g => g.Max(p => p.Sequence));

    /// <summary>The branches whose heads go into a bundle with a commit: the one that was named, or all public ones.</summary>
    /// <returns>Their heads are here.</returns>
    public async Task<IReadOnlyList<BranchName>> HeadsOfAsync(ObjectId commit, BranchName? named, CancellationToken cancellation)
    {
        if (_mirror is null || _client is null)
            return named is { } one ? [one] : [.. new Branches(Data, _time).List().Except(new PrivateBranches(Data).Read())];
        BranchName[] branches = named is { } only ? [only]
            : [.. (await _client.GetAsync(Routes.Branches, ProtocolJson.Default.BranchList, cancellation)).Branches.Where(b => b.Private != true).Select(b => b.Name)];
        foreach (var branch in branches)
        {
            if ((await HistoryAsync(branch, cancellation)).Where(p => p.Commit == commit).Select(p => p.Sequence).DefaultIfEmpty().Max() is > 0 and var sequence)
                await _mirror.FetchHeadsAsync(branch, [sequence], cancellation);
        }
        // By these a device sees that the parts of a composed commit were released.
        foreach (var part in (Composition.Of(Data.Repository.ReadCommit(commit))?.Inputs ?? []).GroupBy(i => i.Branch))
            await _mirror.FetchHeadsAsync(part.Key, part.Select(p => p.Sequence).Distinct(), cancellation);
        return branches;
    }

    /// <summary>The devices of a group that were let in.</summary>
    public async Task<IReadOnlyList<DeviceInfo>> MembersAsync(GroupName group, CancellationToken cancellation)
    {
        if (_client is null)
        {
            var database = Data.OpenDatabase();
            new Groups(database, _time).Find(group);
            var filter = new FleetFilter("", "d.state = 'accepted' AND EXISTS (SELECT 1 FROM group_members m WHERE m.device = d.id AND m.group_name = $group)", [("$group", group)]);
            return new Devices(database, new Tokens(database, _time), _time).List(int.MaxValue, null, filter);
        }
        await _client.GetAsync($"{Routes.Groups}/{group}", ProtocolJson.Default.GroupInfo, cancellation);
        return [.. (await FleetAccess.ListAsync(_client, $"group=={group}", cancellation)).Where(d => d.State == DeviceState.Accepted)];
    }

    public void Dispose()
    {
        if (_mirror is null)
            Data.Dispose();
        else
            _mirror.Dispose();
        _client?.Dispose();
    }

    private async Task<IReadOnlyList<BranchPositionInfo>> HistoryAsync(BranchName branch, CancellationToken cancellation)
    {
        var positions = new List<BranchPositionInfo>();
        for (string? cursor = ""; cursor is not null;)
        {
            var page = await _client!.GetAsync($"{Routes.History(branch)}?limit={PageSize}&cursor={cursor}", ProtocolJson.Default.BranchHistory, cancellation);
            // What does not go on ends, whatever it says.
            cursor = page.Positions.Count > 0 && (positions.Count == 0 || page.Positions[0].Sequence < positions[^1].Sequence) ? page.Cursor : null;
            positions.AddRange(page.Positions);
        }
        return positions;
    }
}
