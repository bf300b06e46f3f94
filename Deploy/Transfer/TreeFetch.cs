using ContentTree.Store.Local;
using ContentTree.Store.Objects;

namespace ContentTree.Deploy.Transfer;

/// <summary>
/// Walks a commit's trees level by level, fetching those that the store lacks, and collects the contents that are missing and the
/// room that all of it takes.
/// </summary>
internal sealed class TreeFetch(Device device, RepositoryClient repository, StorePull pull, MirrorPass mirrors, PackDownload packs, TransferCounters counters)
{
    private readonly HashSet<ObjectId> _seen = [];
    private readonly HashSet<StoredFile> _files = [];
    private readonly Dictionary<ObjectId, WantedContent> _missing = [];
    private SpaceNeeds _needs = SpaceNeeds.None;

    public async Task<(IReadOnlyList<WantedContent> Contents, SpaceNeeds Needs)> RunAsync(ObjectId root, CancellationToken cancellation)
    {
        var level = new List<ObjectId> { root };
        for (var depth = 0; level.Count > 0; depth++)
        {
            if (depth > Tree.MaxDepth)
                throw new CorruptObjectException(new ObjectName(ObjectKind.Tree, root), "is nested too deep");
            var trees = await FetchLevelAsync(level, cancellation).ConfigureAwait(false);
            level = [];
            foreach (var tree in trees)
                level.AddRange(Visit(tree));
        }
        return (Wanted(), _needs);
    }

    private async Task<IReadOnlyList<Tree>> FetchLevelAsync(List<ObjectId> level, CancellationToken cancellation)
    {
        var trees = level.Select(TryReadStored).ToArray();
        var gate = new Lock();
        var options = new ParallelOptions { MaxDegreeOfParallelism = device.Config.Connections, CancellationToken = cancellation };
        await Parallel.ForEachAsync(Missing(trees), options, async (i, token) =>
        {
            trees[i] = await TryMirrorsAsync(level[i], gate, token).ConfigureAwait(false);
        }).ConfigureAwait(false);
        await FetchPackedAsync(level, trees, cancellation).ConfigureAwait(false);
        await Parallel.ForEachAsync(Enumerable.Range(0, level.Count), options, async (i, token) =>
        {
            trees[i] ??= await FetchAsync(level[i], gate, token).ConfigureAwait(false);
        }).ConfigureAwait(false);
        return trees!;
    }

    private async Task FetchPackedAsync(List<ObjectId> level, Tree?[] trees, CancellationToken cancellation)
    {
        var wanted = Missing(trees);
        using var target = new TreePack(counters, (index, bytes) => trees[wanted[index]] = Add(level[wanted[index]], bytes));
        await packs.RunAsync([.. wanted.Select(i => new ObjectName(ObjectKind.Tree, level[i]))], target, cancellation).ConfigureAwait(false);
    }

    private static int[] Missing(Tree?[] trees) => [.. Enumerable.Range(0, trees.Length).Where(i => trees[i] is null)];

    private async Task<Tree?> TryMirrorsAsync(ObjectId id, Lock gate, CancellationToken cancellation)
    {
        if (mirrors.IsOver)
            return null;
        var name = new ObjectName(ObjectKind.Tree, id);
        if (await RepositoryClient.TryMirrorsAsync(mirrors, name, Tree.MaxEncodedBytes, counters, cancellation).ConfigureAwait(false) is not { } bytes)
            return null;
        lock (gate)
            return Add(id, bytes);
    }

    private Tree? TryReadStored(ObjectId id)
    {
        try
        {
            return device.Store.ContainsTree(id) ? device.Store.ReadTree(id) : null;
        }
        catch (CorruptObjectException)
        {
            throw new CorruptObjectException(new ObjectName(ObjectKind.Tree, id), "the stored copy is damaged; 'ctree repair' fetches it again");
        }
    }

    private async Task<Tree> FetchAsync(ObjectId id, Lock gate, CancellationToken cancellation)
    {
        var name = new ObjectName(ObjectKind.Tree, id);
        var bytes = await repository.GetObjectAsync(name, Tree.MaxEncodedBytes, counters, cancellation).ConfigureAwait(false);
        lock (gate)
            return Add(id, bytes);
    }

    private Tree Add(ObjectId id, ReadOnlySpan<byte> bytes)
    {
        var tree = pull.AddTree(id, bytes);
        _needs = _needs.PlusFile(bytes.Length);
        return tree;
    }

    private IEnumerable<ObjectId> Visit(Tree tree)
    {
        // The deployment's own directory and its entries; each takes an inode, and a directory a block.
        _needs = _needs.PlusFile(1);
        foreach (var entry in tree.Entries)
        {
            if (entry is TreeEntry.File { Size: > 0 } file)
                Visit(file);
            else if (entry is not TreeEntry.Directory)
                _needs = _needs.PlusFile(0);
        }
        return tree.Entries.OfType<TreeEntry.Directory>().Select(d => d.Id).Where(_seen.Add).ToArray();
    }

    private void Visit(TreeEntry.File file)
    {
        var stored = new StoredFile(file.Id, file.Metadata.Digest());
        if (!_files.Add(stored) || device.Store.Contains(stored))
            return;
        _needs = _needs.PlusFile(file.Size);
        if (!_missing.TryGetValue(file.Id, out var wanted))
        {
            wanted = new WantedContent(file.Id, file.Size, null, []) { FileName = file.Name, Rank = _missing.Count };
            _missing.Add(file.Id, wanted);
        }
        _missing[file.Id] = wanted with { Missing = [.. wanted.Missing, file.Metadata] };
    }

    // In order of ids, which is how the store finds other variants fastest.
    private List<WantedContent> Wanted() =>
        [.. _missing.OrderBy(m => m.Key).Select(m => m.Value with { Present = device.Store.FindVariant(m.Key) })];
}
