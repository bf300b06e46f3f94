using System.Collections.Concurrent;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet.Policies;

/// <summary>The lines of all branches that somebody asked for, each as long as its head and the keys stay what they are.</summary>
internal sealed class BranchLines(DataDirectory data)
{
    private readonly ConcurrentDictionary<BranchName, Known> _known = new();

    public BranchLine Of(BranchName branch)
    {
        var root = data.Trust.Load();
        var newest = data.Repository.Heads.ReadNewest(branch);
        if (_known.TryGetValue(branch, out var known) && known.Root == root.Fingerprint && known.Head.AsSpan().SequenceEqual(newest))
            return known.Line;
        var (verified, barriers) = known?.Root == root.Fingerprint ? (known.Verified, known.Barriers) : ([], []);
        var line = new BranchLine(data, root, branch, newest, verified, barriers);
        // Devices name what they follow: names of branches that are none are not kept.
        if (newest is not null)
            _known[branch] = new Known(root.Fingerprint, newest, line, verified, barriers);
        return line;
    }

    private sealed record Known(string Root, byte[] Head, BranchLine Line, ConcurrentDictionary<long, BranchPoint?> Verified, ConcurrentDictionary<long, bool> Barriers);
}
