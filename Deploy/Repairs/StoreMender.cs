using ContentTree.Deploy.Commands;
using ContentTree.Deploy.Deployments;
using ContentTree.Deploy.Transfer;
using ContentTree.Store;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;

namespace ContentTree.Deploy.Repairs;

/// <summary>
/// Fetches damaged and missing objects again, those alone, and puts each in the damaged one's place. What nothing needs is removed.
/// The server is asked only if something has to come from it.
/// </summary>
internal sealed class StoreMender(Device device, Func<Sources> connect) : IDisposable
{
    private readonly List<VerifyDamage> _left = [];
    private readonly TransferCounters _counters = new();
    private Sources? _sources;

    /// <summary>What could not be replaced.</summary>
    public IReadOnlyList<VerifyDamage> Left => _left;

    public long Replaced { get; private set; }

    public TransferCounters Counters => _counters;

    /// <param name="damage">What a full check has found.</param>
    /// <param name="cancellation">Ends it between two objects; what was replaced stays.</param>
    /// <exception cref="ServerUnreachableException">Nothing was removed for which there is no replacement.</exception>
    public async Task RunAsync(IReadOnlyList<Damage> damage, CancellationToken cancellation)
    {
        using var pull = device.Store.BeginPull();
        pull.AdoptLeftovers();
        var damaged = damage.Select(d => d.What).ToHashSet(StringComparer.Ordinal);
        var walk = new StoreWalk(device, pull, Server, damaged, _counters);
        var commits = await WalkAsync(walk, cancellation).ConfigureAwait(false);
        await DownloadAsync(pull, walk.Wanted(), cancellation).ConfigureAwait(false);
        pull.Flush();
        Complete(pull, commits);
        Replaced += damaged.Count(name => walk.Reached.Contains(name) && name.EndsWith(".tree", StringComparison.Ordinal));
        Discard(damaged.Where(name => !walk.Reached.Contains(name)));
    }

    public void Dispose() => _sources?.Dispose();

    private async Task<List<(ObjectId Id, byte[] Encoded)>> WalkAsync(StoreWalk walk, CancellationToken cancellation)
    {
        var commits = new List<(ObjectId, byte[])>();
        foreach (var id in device.Store.Commits().Concat(FinishedDeployment.Scan(device.Layout).Select(d => d.Commit)).Distinct().Order())
        {
            await TryAsync(new ObjectName(ObjectKind.Commit, id), async () =>
            {
                var encoded = await walk.CommitAsync(id, cancellation).ConfigureAwait(false);
                commits.Add((id, encoded));
                await walk.RunAsync(Commit.Decode(encoded, id).Tree, cancellation).ConfigureAwait(false);
            }).ConfigureAwait(false);
        }
        return commits;
    }

    private async Task DownloadAsync(StorePull pull, IReadOnlyList<WantedContent> wanted, CancellationToken cancellation)
    {
        using var incoming = Posix.OpenDirectory(Path.Combine(device.Store.Path, "incoming"));
        foreach (var content in wanted)
        {
            await TryAsync(content.Name, async () =>
            {
                await FetchAsync(pull, incoming, content, cancellation).ConfigureAwait(false);
                Replaced += content.Missing.Count;
            }).ConfigureAwait(false);
        }
    }

    private async Task FetchAsync(StorePull pull, Microsoft.Win32.SafeHandles.SafeFileHandle incoming, WantedContent content, CancellationToken cancellation)
    {
        if (content.Present is { } present && TryCopy(pull, present, content))
            return;
        var download = new ContentDownload(Server(), pull, incoming, _counters, device.Clock);
        await download.RunAsync(content with { Present = null }, cancellation).ConfigureAwait(false);
    }

    private static bool TryCopy(StorePull pull, StoredFile present, WantedContent content)
    {
        try
        {
            foreach (var metadata in content.Missing)
                pull.AddVariant(present, content.Size, metadata);
            return true;
        }
        catch (CorruptObjectException)
        {
            return false;
        }
    }

    private void Complete(StorePull pull, List<(ObjectId Id, byte[] Encoded)> commits)
    {
        foreach (var (id, encoded) in commits.Where(commit => !IsIntact(commit.Id)))
        {
            try
            {
                pull.Complete(id, encoded);
                Replaced++;
            }
            catch (ObjectNotFoundException e)
            {
                _left.Add(new VerifyDamage(new ObjectName(ObjectKind.Commit, id).ToString(), e.Message));
            }
        }
    }

    private bool IsIntact(ObjectId commit)
    {
        try
        {
            return device.Store.ReadCommit(commit) is not null;
        }
        catch (Exception e) when (e is CorruptObjectException or ObjectNotFoundException)
        {
            return false;
        }
    }

    private void Discard(IEnumerable<string> names)
    {
        foreach (var name in names)
        {
            // What is no object's name may hold anything but a path.
            var path = Path.Combine(device.Store.Path, "objects", name[..2], name[2..]);
            if (!name.Contains('/', StringComparison.Ordinal) && File.Exists(path))
                File.Delete(path);
        }
    }

    // What the server does not have, or has wrongly, must not keep the rest from being repaired.
    private async Task TryAsync(ObjectName name, Func<Task> step)
    {
        try
        {
            await step().ConfigureAwait(false);
        }
        catch (Exception e) when (e is CorruptObjectException or StoppedException { Code: Store.Protocol.ExitCode.NotFound })
        {
            _left.Add(new VerifyDamage(name.ToString(), e.Message));
        }
    }

    private RepositoryClient Server() => new(_sources ??= connect());
}
