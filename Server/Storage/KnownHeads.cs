using System.Diagnostics;
using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Storage;

/// <summary>
/// What was read of the archived heads. None of them ever changes, so each is verified once for all who look while the keys stay what they are; and a long archive is listed
/// again only when something was put into it.
/// </summary>
internal sealed class KnownHeads(Repository repository)
{
    private const int MaxHeads = 20_000;
    private const int MaxBranches = 200;

    // Two files of one moment leave the same time at their directory.
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<(BranchName Branch, long Sequence), KnownHead> _heads = [];
    private readonly Dictionary<BranchName, Listing> _listings = [];
    private string _root = "";

    /// <param name="root">The root whose keys count.</param>
    /// <param name="branch">The branch.</param>
    /// <param name="sequence">Its number.</param>
    /// <param name="read">Reads and verifies it; null when there is none.</param>
    public KnownHead? Find(TrustRoot root, BranchName branch, long sequence, Func<VerifiedHead?> read)
    {
        lock (_lock)
        {
            if (_root == root.Fingerprint && _heads.TryGetValue((branch, sequence), out var known))
                return known;
        }
        if (read() is not { } verified)
            return null;
        var head = new KnownHead(verified.Sequence, verified.Commit, verified.Created);
        lock (_lock)
        {
            if (_root != root.Fingerprint || (_heads.Count >= MaxHeads && !_heads.ContainsKey((branch, sequence))))
                _heads.Clear();
            _root = root.Fingerprint;
            _heads[(branch, sequence)] = head;
        }
        return head;
    }

    /// <summary>The sequence numbers that were ever used on a branch, rising.</summary>
    public IReadOnlyList<long> Sequences(BranchName branch)
    {
        if (Written(branch) is not { } written)
            return [];
        var now = Stopwatch.GetTimestamp();
        lock (_lock)
        {
            if (_listings.TryGetValue(branch, out var known) && known.Written == written && Stopwatch.GetElapsedTime(known.Since, known.Listed) > Moment)
                return known.Sequences;
        }
        var sequences = repository.Heads.ArchivedSequences(branch);
        lock (_lock)
        {
            var isKnown = _listings.TryGetValue(branch, out var before);
            if (!isKnown && _listings.Count >= MaxBranches)
                _listings.Clear();
            _listings[branch] = new Listing(written, before?.Written == written ? before.Since : now, now, sequences);
        }
        return sequences;
    }

    // Of the directory once it is open: over NFS that asks the server, while a look at the name may be answered by what this machine remembers.
    private long? Written(BranchName branch)
    {
        try
        {
            using var directory = Posix.OpenDirectory(Path.Combine(repository.Path, "history", branch.ToString()));
            return Posix.Stat(directory, branch.ToString()).ModifiedNanoseconds;
        }
        catch (PosixException e) when (e.Errno is Posix.ENOENT or Posix.ENOTDIR)
        {
            return null;
        }
    }

    /// <param name="Written">When its directory was changed last, in nanoseconds.</param>
    /// <param name="Since">When that was seen first.</param>
    /// <param name="Listed">When it was listed; what came in the same moment as the last change is in it once this is later.</param>
    private sealed record Listing(long Written, long Since, long Listed, IReadOnlyList<long> Sequences);
}
