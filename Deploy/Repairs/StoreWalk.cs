using ContentTree.Deploy.Transfer;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;

namespace ContentTree.Deploy.Repairs;

/// <summary>
/// Goes through everything that commits reach, replacing damaged trees on the way, and collects the stored files that are missing,
/// damaged or have other metadata than their name says. Nothing is removed before its replacement is here and was verified.
/// </summary>
internal sealed class StoreWalk(Device device, StorePull pull, Func<RepositoryClient> server, IReadOnlySet<string> damaged, TransferCounters counters)
{
    private readonly HashSet<ObjectId> _trees = [];
    private readonly HashSet<StoredFile> _files = [];
    private readonly Dictionary<ObjectId, StoredFile> _intact = [];
    private readonly Dictionary<ObjectId, (long Size, List<Metadata> Missing, StoredFile? Same)> _wanted = [];

    /// <summary>Names of everything that was reached.</summary>
    public HashSet<string> Reached { get; } = [];

    /// <summary>What has to be made again; from what is here where that is possible.</summary>
    public IReadOnlyList<WantedContent> Wanted() =>
        [.. _wanted.OrderBy(w => w.Key).Select(w => new WantedContent(
            w.Key, w.Value.Size, _intact.TryGetValue(w.Key, out var other) ? other : w.Value.Same, w.Value.Missing))];

    /// <summary>A commit's bytes, from the server if the stored ones are damaged.</summary>
    public async Task<byte[]> CommitAsync(ObjectId id, CancellationToken cancellation)
    {
        var name = new ObjectName(ObjectKind.Commit, id);
        Reached.Add(name.ToString());
        try
        {
            return device.Store.ReadCommit(id).Encode();
        }
        catch (Exception e) when (e is CorruptObjectException or ObjectNotFoundException)
        {
            return await server().GetObjectAsync(name, Repository.MaxCommitBytes, counters, cancellation).ConfigureAwait(false);
        }
    }

    public async Task RunAsync(ObjectId root, CancellationToken cancellation)
    {
        var open = new Stack<ObjectId>([root]);
        while (open.TryPop(out var id))
        {
            cancellation.ThrowIfCancellationRequested();
            if (!_trees.Add(id))
                continue;
            foreach (var entry in (await TreeAsync(id, cancellation).ConfigureAwait(false)).Entries)
            {
                if (entry is TreeEntry.Directory directory)
                    open.Push(directory.Id);
                else if (entry is TreeEntry.File { Size: > 0 } file)
                    Visit(file);
            }
        }
    }

    private async Task<Tree> TreeAsync(ObjectId id, CancellationToken cancellation)
    {
        var name = new ObjectName(ObjectKind.Tree, id);
        Reached.Add(name.ToString());
        try
        {
            return device.Store.ReadTree(id);
        }
        catch (Exception e) when (e is CorruptObjectException or ObjectNotFoundException)
        {
            var bytes = await server().GetObjectAsync(name, Tree.MaxEncodedBytes, counters, cancellation).ConfigureAwait(false);
            if (device.Store.ContainsTree(id))
                LocalStoreCheck.Discard(device.Store, name);
            var tree = pull.AddTree(id, bytes);
            pull.Flush();
            return tree;
        }
    }

    private void Visit(TreeEntry.File file)
    {
        var stored = new StoredFile(file.Id, file.Metadata.Digest());
        if (!_files.Add(stored))
            return;
        Reached.Add(stored.ToString());
        var stat = device.Store.StatOf(stored);
        var isContentLost = stat is null || stat.Value.Size != file.Size || damaged.Contains(stored.ToString());
        if (!isContentLost && device.Store.DifferenceOf(stored, stat!.Value, file.Metadata) is null)
        {
            _intact.TryAdd(file.Id, stored);
            return;
        }
        var wanted = _wanted.TryGetValue(file.Id, out var known) ? known : (file.Size, [], null);
        wanted.Missing.Add(file.Metadata);
        _wanted[file.Id] = isContentLost ? wanted : wanted with { Same = stored };
    }
}
