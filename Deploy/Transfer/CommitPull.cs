using ContentTree.Store;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;

namespace ContentTree.Deploy.Transfer;

/// <summary>
/// Brings one commit into the store: its trees, a plan, the missing contents, and last the commit itself as the proof that all of it
/// is there. Every object that has arrived stays, whatever happens to the rest.
/// </summary>
internal sealed class CommitPull : IDisposable
{
    private readonly Device _device;
    private readonly RepositoryClient _repository;
    private readonly StorePull _pull;

    public CommitPull(Device device, Sources sources)
    {
        _device = device;
        _repository = new RepositoryClient(sources);
        _pull = device.Store.BeginPull();
        _pull.AdoptLeftovers();
    }

    public TransferCounters Counters { get; } = new();

    /// <summary>Fetches the commit and its trees and works out the rest.</summary>
    /// <exception cref="StoppedException">The commit is not for this device.</exception>
    public async Task<PullPlan> PlanAsync(ObjectId id, CancellationToken cancellation)
    {
        var name = new ObjectName(ObjectKind.Commit, id);
        var encoded = _device.Store.ContainsCommit(id)
            ? _device.Store.ReadCommit(id).Encode()
            : await _repository.GetObjectAsync(name, Repository.MaxCommitBytes, Counters, cancellation).ConfigureAwait(false);
        var commit = Commit.Decode(encoded, id);
        Fitness.Require(_device, id, commit);
        var fetch = new TreeFetch(_device, _repository, _pull, Counters);
        var (contents, needs) = await fetch.RunAsync(commit.Tree, cancellation).ConfigureAwait(false);
        return new PullPlan(id, commit, encoded, contents, needs);
    }

    /// <summary>Fetches what the plan says.</summary>
    /// <exception cref="StoppedException">There is no room for it.</exception>
    public async Task<CompleteCommit> RunAsync(PullPlan plan, CancellationToken cancellation)
    {
        plan.Needs.Require(_device.Store, _device.Config.MinFree, $"commit {plan.Id}");
        using var incoming = Posix.OpenDirectory(Path.Combine(_device.Store.Path, "incoming"));
        var download = new ContentDownload(_repository, _pull, incoming, Counters, _device.Clock);
        var options = new ParallelOptions { MaxDegreeOfParallelism = _device.Config.Connections, CancellationToken = cancellation };
        await Parallel.ForEachAsync(plan.Contents, options, async (content, token) =>
            await download.RunAsync(content, token).ConfigureAwait(false)).ConfigureAwait(false);
        var complete = _pull.Complete(plan.Id, plan.Encoded);
        SparsePart.RemoveAll(incoming);
        return complete;
    }

    /// <summary>What has arrived is flushed and kept.</summary>
    public void Dispose() => _pull.Dispose();
}
