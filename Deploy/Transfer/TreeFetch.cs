using ContentTree.Store.Local;
using ContentTree.Store.Objects;

namespace ContentTree.Deploy.Transfer;

/// <summary>
/// Walks a commit's trees level by level, fetching those that the store lacks, and collects the contents that are missing and the
/// room that all of it takes.
/// </summary>
internal sealed class TreeFetch(Device device, RepositoryClient repository, StorePull pull, MirrorPass mirrors, PackDownload packs, TransferCounters counters)
{
    private readonly Lock _gate = new();
    private readonly HashSet<ObjectId> _seen = [];
    private readonly HashSet<StoredFile> _missingFiles = [];
    private readonly Dictionary<ObjectId, WantedContent> _missing = [];
    private List<ObjectId> _below = [];
    private SpaceNeeds _needs = SpaceNeeds.None;

    public async Task<(IReadOnlyList<WantedContent> Contents, SpaceNeeds Needs)> RunAsync(ObjectId root, CancellationToken cancellation)
    {
        var level = new List<ObjectId> { root };
        for (var depth = 0; level.Count > 0; depth++)
        {
            if (depth > Tree.MaxDepth)
                throw new CorruptObjectException(new ObjectName(ObjectKind.Tree, root), "is nested too deep");
            _below = [];
            await FetchAsync([.. level.Where(id => !TryVisitStored(id))], cancellation).ConfigureAwait(false);
            level = _below;
        }
        return (Wanted(), _needs);
    }

    // Each tree is visited as it comes and forgotten: together they may be larger than the device's memory.
    private async Task FetchAsync(ObjectId[] wanted, CancellationToken cancellation)
    {
        var isHere = new bool[wanted.Length];
        var options = new ParallelOptions { MaxDegreeOfParallelism = device.Config.Connections, CancellationToken = cancellation };
        await Parallel.ForEachAsync(Missing(isHere), options, async (i, token) =>
            isHere[i] = await TryMirrorsAsync(wanted[i], token).ConfigureAwait(false)).ConfigureAwait(false);
        await FetchPackedAsync(wanted, isHere, cancellation).ConfigureAwait(false);
        await Parallel.ForEachAsync(Missing(isHere), options, async (i, token) =>
            await FetchAsync(wanted[i], token).ConfigureAwait(false)).ConfigureAwait(false);
    }

    private async Task FetchPackedAsync(ObjectId[] wanted, bool[] isHere, CancellationToken cancellation)
    {
        var asked = Missing(isHere);
        using var target = new TreePack(counters, (index, bytes) =>
        {
            Add(wanted[asked[index]], bytes);
            isHere[asked[index]] = true;
        });
        await packs.RunAsync([.. asked.Select(i => new ObjectName(ObjectKind.Tree, wanted[i]))], target, cancellation).ConfigureAwait(false);
    }

    private static int[] Missing(bool[] isHere) => [.. Enumerable.Range(0, isHere.Length).Where(i => !isHere[i])];

    private async Task<bool> TryMirrorsAsync(ObjectId id, CancellationToken cancellation)
    {
        if (mirrors.IsOver)
            return false;
        var name = new ObjectName(ObjectKind.Tree, id);
        if (await RepositoryClient.TryMirrorsAsync(mirrors, name, Tree.MaxEncodedBytes, counters, cancellation).ConfigureAwait(false) is not { } bytes)
            return false;
        Add(id, bytes);
        return true;
    }

    private bool TryVisitStored(ObjectId id)
    {
        if (!device.Store.ContainsTree(id))
            return false;
        Visit(ReadStored(id));
        return true;
    }

    private Tree ReadStored(ObjectId id)
    {
        try
        {
            return device.Store.ReadTree(id);
        }
        catch (CorruptObjectException)
        {
            throw new CorruptObjectException(new ObjectName(ObjectKind.Tree, id), "the stored copy is damaged; 'ctree repair' fetches it again");
        }
    }

    private async Task FetchAsync(ObjectId id, CancellationToken cancellation)
    {
        var name = new ObjectName(ObjectKind.Tree, id);
        Add(id, await repository.GetObjectAsync(name, Tree.MaxEncodedBytes, counters, cancellation).ConfigureAwait(false));
    }

    private void Add(ObjectId id, ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            Visit(pull.AddTree(id, bytes));
            _needs = _needs.PlusFile(bytes.Length);
        }
    }

    private void Visit(Tree tree)
    {
        // The deployment's own directory and its entries; each takes an inode, and a directory a block.
        _needs = _needs.PlusFile(1);
        foreach (var entry in tree.Entries)
        {
            if (entry is TreeEntry.File { Size: > 0 } file)
                Visit(file);
            else if (entry is not TreeEntry.Directory directory)
                _needs = _needs.PlusFile(0);
            else if (_seen.Add(directory.Id))
                _below.Add(directory.Id);
        }
    }

    private void Visit(TreeEntry.File file)
    {
        var stored = new StoredFile(file.Id, file.Metadata.Digest());
        // What is here already, mostly everything, is not remembered.
        if (_missingFiles.Contains(stored) || device.Store.Contains(stored))
            return;
        _missingFiles.Add(stored);
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
