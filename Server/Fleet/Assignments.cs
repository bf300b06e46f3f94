using ContentTree.Server.Commands;
using ContentTree.Server.Storage;
using ContentTree.Server.Trust;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet;

/// <summary>
/// What single devices are told to do other than to follow their branch: the one place that makes and signs it, whoever decides. A
/// device takes only the newest, and only a commit that a head of its branch has named.
/// </summary>
internal sealed class Assignments(DataDirectory data, Database database, TimeProvider time)
{
    private const int DefaultYears = 10;

    /// <summary>Tells a device; it hears of it at its next poll.</summary>
    /// <param name="device">Who.</param>
    /// <param name="request">What.</param>
    /// <param name="named">Keys beside those of the server's own directory.</param>
    /// <exception cref="NotFoundException">No such device or commit, or no fleet key at hand.</exception>
    /// <exception cref="BranchMovedException">Somebody else told it something meanwhile.</exception>
    /// <exception cref="FormatException">Something in the request makes no sense.</exception>
    public AssignmentInfo Assign(KeyId device, AssignmentRequest request, IReadOnlyList<ISigner>? named = null)
    {
        var known = new Devices(database, new Tokens(database, time), time).Find(device);
        var head = request.Action == "pin" ? FindHead(known.Branch, request.Commit ?? throw new FormatException("a pin names a commit")) : null;
        using var connection = database.Connect();
        var last = connection.Query("SELECT counter FROM assignments WHERE device = $device", row => row.GetInt64(0), ("$device", device)).FirstOrDefault();
        var now = time.GetUtcNow();
        var statement = new AssignmentStatement
        {
            Device = device,
            Branch = known.Branch,
            // Above what a lost database may have signed.
            Counter = Math.Max(last + 1, now.ToUnixTimeSeconds()),
            Action = ActionOf(request.Action),
            Commit = head?.Commit,
            Sequence = head?.Sequence ?? 0,
            Reason = request.Reason ?? "",
            Created = now,
            Expires = request.Expires ?? now.AddYears(DefaultYears),
        };
        var signed = Sign(statement, named ?? []);
        // Signing may take a person's time, so nothing is locked meanwhile.
        var changed = connection.Execute("""
            INSERT INTO assignments (device, branch, counter, expires, action, commit_id, reason, statement)
            VALUES ($device, $branch, $counter, $expires, $action, $commit, $reason, $statement)
            ON CONFLICT (device) DO UPDATE SET branch = $branch, counter = $counter, expires = $expires, action = $action,
              commit_id = $commit, reason = $reason, statement = $statement
              WHERE counter < $counter
            """,
            ("$device", device), ("$branch", known.Branch), ("$counter", statement.Counter), ("$expires", statement.Expires), ("$action", request.Action),
            ("$commit", statement.Commit), ("$reason", statement.Reason), ("$statement", signed.Bytes.ToArray()));
        if (changed == 0)
            throw new BranchMovedException($"device {device} was told something else meanwhile; nothing was changed, say it again");
        return new AssignmentInfo(request.Action, statement.Counter, statement.Expires, statement.Commit, request.Reason);
    }

    /// <summary>What a device that asks is to hear: nothing when it knows, or when there is nothing to tell that it would obey.</summary>
    /// <param name="device">Who asks.</param>
    /// <param name="branch">What it follows.</param>
    /// <param name="known">The counter that it has.</param>
    public RawJson? Newest(KeyId device, BranchName branch, long? known)
    {
        using var connection = database.Connect();
        return connection.Query("SELECT statement FROM assignments WHERE device = $device AND branch = $branch AND counter > $known AND expires > $now",
            row => (byte[])row.GetValue(0),
            ("$device", device), ("$branch", branch), ("$known", known ?? 0), ("$now", time.GetUtcNow())) is [var told] && StillCounts(told)
            ? new RawJson(told)
            : null;
    }

    // It was signed under the root of then; the key may have been dismissed since.
    private bool StillCounts(byte[] statement)
    {
        try
        {
            data.Trust.Load().VerifyAssignment(statement);
            return true;
        }
        catch (VerificationException)
        {
            return false;
        }
    }

    private Envelope Sign(AssignmentStatement statement, IReadOnlyList<ISigner> named)
    {
        var root = data.Trust.Load();
        if (!root.Roles.TryGetValue(Role.Fleet, out var role))
            throw new NotFoundException("the trust root names no fleet key, so devices would obey nobody; 'ctree-server key new --online' and 'key root --add fleet=FILE' begin with it");
        var signed = data.LoadOnlineKeys().With(named).Sign(Envelope.Create(statement.Encode(), []), root, Role.Fleet);
        var signers = root.SignersOf(signed, Role.Fleet).Count;
        return signers >= role.Threshold
            ? signed
            : throw new NotFoundException($"{signers} of {role.Threshold} fleet keys are at hand; put one into {data.Path}/online-keys or name it with --key or --signer");
    }

    // What the device will check itself; here it is said in time.
    private VerifiedHead FindHead(BranchName branch, string text)
    {
        var commit = CommitReference.Resolve(data, time, text);
        var root = data.Trust.Load();
        foreach (var sequence in data.Repository.Heads.ArchivedSequences(branch).Reverse())
        {
            if (data.Repository.Heads.ReadArchived(branch, sequence) is { } bytes && TryVerify(root, bytes, branch) is { } head && head.Commit == commit)
                return head;
        }
        throw new NotFoundException($"commit {commit} was never published on {branch}, which the device follows, by keys that still count");
    }

    private static VerifiedHead? TryVerify(TrustRoot root, byte[] bytes, BranchName branch)
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

    private static AssignmentAction ActionOf(string word) => word switch
    {
        "follow" => AssignmentAction.Follow,
        "hold" => AssignmentAction.Hold,
        "pin" => AssignmentAction.Pin,
        _ => throw new FormatException($"'{word}' is neither follow, hold nor pin"),
    };
}
