using System.Diagnostics;
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
    private readonly Dictionary<(BranchName Branch, long Sequence), VerifiedHead> _heads = [];
    private readonly Dictionary<BranchName, Listing> _listings = [];
    private string _root = "";

    /// <param name="root">The root whose keys count.</param>
    /// <param name="branch">The branch.</param>
    /// <param name="sequence">Its number.</param>
    /// <param name="read">Reads and verifies it; null when there is none.</param>
    public VerifiedHead? Find(TrustRoot root, BranchName branch, long sequence, Func<VerifiedHead?> read)
    {
        lock (_lock)
        {
            if (_root == root.Fingerprint && _heads.TryGetValue((branch, sequence), out var known))
                return known;
        }
        if (read() is not { } head)
            return null;
        lock (_lock)
        {
            if (_root != root.Fingerprint || _heads.Count >= MaxHeads)
                _heads.Clear();
            _root = root.Fingerprint;
            _heads[(branch, sequence)] = head;
        }
        return head;
    }

    /// <summary>The sequence numbers that were ever used on a branch, rising.</summary>
    public IReadOnlyList<long> Sequences(BranchName branch)
    {
        var (written, now) = (Directory.GetLastWriteTimeUtc(Path.Combine(repository.Path, "history", branch.ToString())), Stopwatch.GetTimestamp());
        lock (_lock)
        {
            if (_listings.TryGetValue(branch, out var known) && known.Written == written && Stopwatch.GetElapsedTime(known.Since, known.Listed) > Moment)
                return known.Sequences;
        }
        var sequences = repository.Heads.ArchivedSequences(branch);
        lock (_lock)
        {
            if (_listings.Count >= MaxBranches)
                _listings.Clear();
            var since = _listings.TryGetValue(branch, out var before) && before.Written == written ? before.Since : now;
            _listings[branch] = new Listing(written, since, now, sequences);
        }
        return sequences;
    }

    /// <param name="Written">When its directory was changed last.</param>
    /// <param name="Since">When that was seen first.</param>
    /// <param name="Listed">When it was listed; what came in the same moment as the last change is in it once this is later.</param>
    private sealed record Listing(DateTime Written, long Since, long Listed, IReadOnlyList<long> Sequences);
}
