using System.Collections.Concurrent;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet.Policies;

/// <summary>
/// A branch as devices see it: its newest head and what it was at before, each signed by keys that still count. Heads are read and verified once,
/// from the newest back, as far as somebody asks.
/// </summary>
internal sealed class BranchLine
{
    private readonly DataDirectory _data;
    private readonly TrustRoot _root;
    private readonly BranchName _branch;
    private readonly ConcurrentDictionary<long, BranchPoint?> _verified;
    private readonly Lock _lock = new();
    private readonly Stack<long> _unread;
    private readonly Dictionary<ObjectId, BranchPoint> _points = [];
    private readonly SortedDictionary<long, BranchPoint> _bySequence = [];
    private readonly ConcurrentDictionary<long, bool> _barriers;

    /// <param name="newest">The newest head, as it is in the repository.</param>
    /// <param name="verified">What archived heads were found to be, by positions: they never change, so that lines of one root share them.</param>
    /// <param name="barriers">Which of them are barriers, shared likewise.</param>
    public BranchLine(DataDirectory data, TrustRoot root, BranchName branch, byte[]? newest, ConcurrentDictionary<long, BranchPoint?> verified, ConcurrentDictionary<long, bool> barriers)
    {
        (_data, _root, _branch, _verified, _barriers) = (data, root, branch, verified, barriers);
        if (newest is not null && TryVerify(newest) is { } head)
            Newest = Keep(new BranchPoint(head.Sequence, head.Commit));
        _unread = new Stack<long>(data.Repository.Heads.ArchivedSequences(branch).Where(s => s < (Newest?.Sequence ?? 0)));
    }

    /// <summary>Where the branch is; null before the first publish.</summary>
    public BranchPoint? Newest { get; }

    /// <summary>The newest position at which the branch was at the commit; null when it never was.</summary>
    public BranchPoint? Find(ObjectId commit)
    {
        lock (_lock)
        {
            while (!_points.ContainsKey(commit) && TryReadNext())
            {
            }
            return _points.GetValueOrDefault(commit);
        }
    }

    /// <summary>The position before another one; null for none.</summary>
    public BranchPoint? Before(long sequence)
    {
        lock (_lock)
        {
            BranchPoint? Last() => _bySequence.LastOrDefault(p => p.Key < sequence).Value;
            while (Last() is null && TryReadNext())
            {
            }
            return Last();
        }
    }

    /// <summary>The first barrier after one position and before another.</summary>
    public BranchPoint? NextBarrier(long after, long before)
    {
        lock (_lock)
        {
            while (_unread.TryPeek(out var next) && next > after)
                TryReadNext();
            return _bySequence.Where(p => p.Key > after && p.Key < before && IsBarrier(p.Value)).Select(p => p.Value).FirstOrDefault();
        }
    }

    private bool IsBarrier(BranchPoint point)
    {
        if (!_barriers.TryGetValue(point.Sequence, out var isBarrier))
        {
            // One that garbage collection took cannot be gone to.
            isBarrier = _data.Repository.Contains(new ObjectName(ObjectKind.Commit, point.Commit)) && _data.Repository.ReadCommit(point.Commit).Barrier;
            _barriers[point.Sequence] = isBarrier;
        }
        return isBarrier;
    }

    private bool TryReadNext()
    {
        if (!_unread.TryPop(out var sequence))
            return false;
        if (_verified.GetOrAdd(sequence, ReadArchived) is { } point)
            Keep(point);
        return true;
    }

    private BranchPoint? ReadArchived(long sequence) =>
        _data.Repository.Heads.ReadArchived(_branch, sequence) is { } bytes && TryVerify(bytes) is { } head ? new BranchPoint(sequence, head.Commit) : null;

    private BranchPoint Keep(BranchPoint point)
    {
        _points.TryAdd(point.Commit, point);
        _bySequence[point.Sequence] = point;
        return point;
    }

    private VerifiedHead? TryVerify(byte[] bytes)
    {
        try
        {
            return _root.VerifyHead(bytes, _branch);
        }
        catch (VerificationException)
        {
            return null;
        }
    }
}
