using System.Collections.Concurrent;
using System.Text;
using ContentTree.Server.Storage;
using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Trust;

/// <summary>
/// Says of each branch which head is the newest, now: <c>trust/timestamp/(branch).json</c>, made when the branch has moved or when half
/// of the last one's time is over, with the keys of <c>online-keys/</c>. So a mirror or a thief of old files freezes nobody for long.
/// </summary>
internal sealed class Timestamps(DataDirectory data, TimeProvider time)
{
    // Asked for at every poll: the same bytes under the same root are what they were.
    private readonly ConcurrentDictionary<BranchName, Known> _known = new();
    private readonly string _path = Path.Combine(data.Repository.Path, "trust", "timestamp");

    /// <summary>The newest head of a branch with a timestamp that has at least half of its time left, or null where there is no such branch.</summary>
    public NewestHead? Read(BranchName branch)
    {
        if (data.Repository.Heads.ReadNewest(branch) is not { } head)
            return null;
        var root = data.Trust.Load();
        if (!root.AsksForTimestamps)
            return new NewestHead(head, null);
        var present = TryRead(branch);
        if (_known.TryGetValue(branch, out var known) && known.Root == root && known.Head.AsSpan().SequenceEqual(head) && known.Present.AsSpan().SequenceEqual(present) && time.GetUtcNow() < known.Until)
            return new NewestHead(head, present);
        if (present is null || TryVerify(root, branch, present) is not { } timestamp || !IsFresh(timestamp, head))
            return Renew(branch);
        _known[branch] = new Known(root, head, present, HalfTime(timestamp));
        return new NewestHead(head, present);
    }

    /// <summary>Sees to it that web servers of plain files have a fresh one of every branch.</summary>
    /// <returns>Branches that no key at hand can vouch for, although the root asks for it.</returns>
    public IReadOnlyList<BranchName> RefreshAll() => !data.Trust.Load().AsksForTimestamps ? [] :
        [.. data.Repository.Heads.List().Where(branch => Read(branch) is { Timestamp: null })];

    // Another process may vouch for an older head at this moment: the head is read again where only one signs.
    private NewestHead? Renew(BranchName branch)
    {
        using var signing = Lock();
        if (data.Repository.Heads.ReadNewest(branch) is not { } head)
            return null;
        var root = data.Trust.Load();
        var present = TryRead(branch);
        if (TryVerify(root, branch, present) is { } fresh && IsFresh(fresh, head))
            return new NewestHead(head, present);
        if (TryMake(root, branch, head, present) is not { } made)
            return new NewestHead(head, TryVerify(root, branch, present) is { } old && old.Head == ObjectId.Of(head) ? present : null);
        var path = FileOf(branch);
        Directory.CreateDirectory(Path.GetDirectoryName(path) ?? _path);
        using var directory = Posix.OpenDirectory(Path.GetDirectoryName(path) ?? _path);
        DurableFiles.Replace(directory, Encoding.ASCII.GetBytes(Path.GetFileName(path)), made);
        return new NewestHead(head, made);
    }

    private byte[]? TryMake(TrustRoot root, BranchName branch, byte[] bytes, byte[]? present)
    {
        if (TryHead(root, branch, bytes) is not { } head)
            return null;
        // Rising for ever, also when the clock was set back.
        var now = time.GetUtcNow();
        var after = TryVerify(root, branch, present)?.Created.AddSeconds(1);
        var created = after > now ? after.Value : now;
        var statement = new TimestampStatement
        {
            Branch = branch,
            Head = head.Id,
            Sequence = head.Sequence,
            Created = created,
            Expires = created + ServerSettings.Load(data.Path).TimestampValidity,
        };
        var signed = data.LoadOnlineKeys().Sign(Envelope.Create(statement.Encode(), []), root, Role.Timestamp);
        return root.SignersOf(signed, Role.Timestamp).Count >= root.Roles[Role.Timestamp].Threshold ? signed.Bytes.ToArray() : null;
    }

    private bool IsFresh(VerifiedTimestamp timestamp, byte[] head) => timestamp.Head == ObjectId.Of(head) && time.GetUtcNow() < HalfTime(timestamp);

    private static DateTimeOffset HalfTime(VerifiedTimestamp timestamp) => timestamp.Created + (timestamp.Expires - timestamp.Created) / 2;

    // A head that devices refuse is no reason to keep it from them: they remember what they saw, and tell.
    private static VerifiedHead? TryHead(TrustRoot root, BranchName branch, byte[] bytes)
    {
        try
        {
            return root.VerifyHead(bytes, branch);
        }
        catch (VerificationException)
        {
            return null;
        }
    }

    private static VerifiedTimestamp? TryVerify(TrustRoot root, BranchName branch, byte[]? bytes)
    {
        try
        {
            return bytes is null ? null : root.VerifyTimestamp(bytes, branch);
        }
        catch (VerificationException)
        {
            return null;
        }
    }

    private byte[]? TryRead(BranchName branch)
    {
        var path = FileOf(branch);
        if (!File.Exists(path))
            return null;
        using var directory = Posix.OpenDirectory(Path.GetDirectoryName(path) ?? _path);
        return DurableFiles.TryRead(directory, Encoding.ASCII.GetBytes(Path.GetFileName(path)), Envelope.MaxBytes);
    }

    private string FileOf(BranchName branch) => Path.Combine(_path, branch + ".json");

    private IDisposable Lock()
    {
        using var repository = Posix.OpenDirectory(data.Repository.Path);
        var file = Posix.OpenOrCreateAt(repository, "timestamp.lock"u8, 0x1a4);
        Posix.TryLock(file, exclusive: true, wait: true, "timestamp lock");
        return file;
    }

    private sealed record Known(TrustRoot Root, byte[] Head, byte[] Present, DateTimeOffset Until);
}
