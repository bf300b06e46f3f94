using System.Collections.Concurrent;
using ContentTree.Deploy.Deployments;
using ContentTree.Store;
using ContentTree.Store.Deltas;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Deploy.Transfer;

/// <summary>
/// Brings one commit into the store: its trees, a plan, the missing contents, and last the commit itself as the proof that all of it
/// is there. Every object that has arrived stays, whatever happens to the rest.
/// </summary>
internal sealed class CommitPull : IAsyncDisposable
{
    private readonly Device _device;
    private readonly Sources _sources;
    private readonly RepositoryClient _repository;
    private readonly StorePull _pull;
    private readonly SafeFileHandle _incoming;
    private readonly MirrorPass _mirrors;
    private readonly PackDownload _packs;
    private DeltaPull? _delta;

    public CommitPull(Device device, Sources sources)
    {
        (_device, _sources) = (device, sources);
        _repository = new RepositoryClient(sources);
        _mirrors = new MirrorPass(sources, device.Clock);
        _packs = new PackDownload(device, sources, Counters);
        _pull = device.Store.BeginPull();
        _pull.AdoptLeftovers();
        _incoming = Posix.OpenDirectory(Path.Combine(device.Store.Path, "incoming"));
    }

    public TransferCounters Counters { get; } = new();

    /// <summary>Why a delta that was there could not be used; null when it was, or there was none.</summary>
    public string? Refusal { get; private set; }

    /// <summary>Works out what the commit takes: by a delta if there is one, else object by object.</summary>
    /// <param name="id">The commit.</param>
    /// <param name="isFollowed">Whether the pull follows at once: then a little of the delta comes while the plan is read.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="StoppedException">The commit is not for this device.</exception>
    public async Task<PullPlan> PlanAsync(ObjectId id, bool isFollowed, CancellationToken cancellation) =>
        await TryPlanDeltaAsync(id, isFollowed, cancellation).ConfigureAwait(false) ?? await PlanObjectsAsync(id, cancellation).ConfigureAwait(false);

    /// <summary>Fetches what the plan says. Where a delta turns out to be false, object by object.</summary>
    /// <exception cref="StoppedException">There is no room for it.</exception>
    public async Task<CompleteCommit> RunAsync(PullPlan plan, CancellationToken cancellation)
    {
        Require(plan);
        var complete = plan.Delta is { } delta ? await TryRunAsync(delta, cancellation).ConfigureAwait(false) : null;
        if (complete is null)
        {
            var objects = plan.Delta is null ? plan : await PlanObjectsAsync(plan.Id, cancellation).ConfigureAwait(false);
            Require(objects);
            complete = await RunObjectsAsync(objects, cancellation).ConfigureAwait(false);
            if (_delta is not null)
                await _delta.RemoveAsync().ConfigureAwait(false);
        }
        SparsePart.RemoveAll(_incoming);
        return complete;
    }

    /// <summary>What has arrived is flushed and kept.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_delta is not null)
                await _delta.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            _incoming.Dispose();
            _pull.Dispose();
        }
    }

    private void Require(PullPlan plan) => plan.Needs.Require(_device.Store, _device.Config.MinFree, $"commit {plan.Id}");

    private async Task<PullPlan?> TryPlanDeltaAsync(ObjectId id, bool isFollowed, CancellationToken cancellation)
    {
        if (_device.Store.ContainsCommit(id) ||
            await new DeltaSelection(_device, _repository).FindAsync(id, cancellation).ConfigureAwait(false) is not { } found)
            return null;
        var download = new RangeDownload(_sources, _incoming, Routes.Delta(found.Name.ToString()), Counters, _device.Clock, found.Bytes);
        _delta = new DeltaPull(_device.Store, _pull, download, Counters, _incoming, found.Name, found.Bytes);
        try
        {
            await _delta.OpenAsync(isFollowed, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (IsUseless(e))
        {
            Refusal = e.Message;
            await _delta.RemoveAsync().ConfigureAwait(false);
            return null;
        }
        var application = _delta.Application;
        Fitness.Require(_device, id, application.Commit);
        var plan = new PullPlan(id, application.Commit, application.Commit.Encode(), [], Needs(_delta), application.OutlineRoot, application.ReadOutline) { Delta = _delta };
        // Nobody signed what it says it takes, and objects may take less. Its start stays for a day with more room.
        Refusal = plan.Needs.Fits(_device.Store, _device.Config.MinFree) ? KernelRoom.Objection(_device, plan)
            : $"it needs {Sizes.Text(plan.Needs.Bytes)} and {plan.Needs.Inodes} inodes, which are not free";
        if (Refusal is null)
            return plan;
        await _delta.StopAsync().ConfigureAwait(false);
        return null;
    }

    private static SpaceNeeds Needs(DeltaPull delta)
    {
        var unlinked = delta.Application.CountUnlinked();
        // The deployment's own directories take a block each; nearly all of what is not linked is one.
        var needs = new SpaceNeeds(0, 0).PlusFile(delta.BytesLeft).Plus(new SpaceNeeds(unlinked * SpaceNeeds.Block, unlinked));
        foreach (var (size, inodes) in delta.Application.Contents)
        {
            for (var i = 0; i < inodes; i++)
                needs = needs.PlusFile(size);
        }
        return needs;
    }

    private async Task<CompleteCommit?> TryRunAsync(DeltaPull delta, CancellationToken cancellation)
    {
        try
        {
            return await delta.RunAsync(cancellation).ConfigureAwait(false);
        }
        // An old object that is missing or damaged can be had otherwise as well.
        catch (Exception e) when (IsUseless(e) || e is CorruptObjectException or ObjectNotFoundException)
        {
            Refusal = e.Message;
            await delta.RemoveAsync().ConfigureAwait(false);
            return null;
        }
    }

    // Every byte of a delta can be had otherwise: a false or vanished one is no reason to stop.
    private static bool IsUseless(Exception e) =>
        e is CorruptDeltaException or StoppedException { Code: ExitCode.VerificationFailed or ExitCode.NotFound or ExitCode.NotAuthorised };

    private async Task<PullPlan> PlanObjectsAsync(ObjectId id, CancellationToken cancellation)
    {
        var name = new ObjectName(ObjectKind.Commit, id);
        var encoded = _device.Store.ContainsCommit(id)
            ? _device.Store.ReadCommit(id).Encode()
            : await _repository.GetObjectAsync(name, Repository.MaxCommitBytes, Counters, cancellation).ConfigureAwait(false);
        var commit = Commit.Decode(encoded, id);
        Fitness.Require(_device, id, commit);
        var fetch = new TreeFetch(_device, _repository, _pull, _mirrors, _packs, Counters);
        var (contents, needs) = await fetch.RunAsync(commit.Tree, cancellation).ConfigureAwait(false);
        Heap.Tidy();
        return new PullPlan(id, commit, encoded, contents, needs, commit.Tree, _pull.ReadTree);
    }

    private async Task<CompleteCommit> RunObjectsAsync(PullPlan plan, CancellationToken cancellation)
    {
        var download = new ContentDownload(_repository, _pull, _incoming, Counters, _device.Clock);
        var options = new ParallelOptions { MaxDegreeOfParallelism = _device.Config.Connections, CancellationToken = cancellation };
        var left = new ConcurrentBag<WantedContent>();
        await Parallel.ForEachAsync(plan.Contents, options, async (content, token) =>
        {
            if (_mirrors.IsOver || !await download.TryMirrorsAsync(content, _mirrors, token).ConfigureAwait(false))
                left.Add(content);
        }).ConfigureAwait(false);
        var rest = await FetchPackedAsync([.. left.OrderBy(c => c.Id)], download, cancellation).ConfigureAwait(false);
        await Parallel.ForEachAsync(rest, options, async (content, token) =>
            await download.RunAsync(content, token).ConfigureAwait(false)).ConfigureAwait(false);
        return _pull.Complete(plan.Id, plan.Encoded);
    }

    // What no pack brings is left: it comes one by one, or is here already with other metadata.
    private async Task<IReadOnlyList<WantedContent>> FetchPackedAsync(IReadOnlyList<WantedContent> contents, ContentDownload download, CancellationToken cancellation)
    {
        var wanted = PackOrder.Of(contents.Where(c => c.Present is null && !download.HasPart(c)), _pull);
        using var target = new ContentPack(wanted, _pull, Counters);
        await _packs.RunAsync([.. wanted.Select(c => c.Name)], target, cancellation).ConfigureAwait(false);
        return [.. contents.Where(c => !target.Arrived.Contains(c.Id))];
    }
}
