using System.Data.Common;
using ContentTree.Server.Fleet.Policies;
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

    /// <summary>
    /// Signs what a device is to do, if it was told something else before; it hears of it at its next poll. Nothing is signed for one that
    /// follows its branch and never was told otherwise.
    /// </summary>
    /// <param name="device">Who.</param>
    /// <param name="branch">What it follows.</param>
    /// <param name="decision">What it is to do.</param>
    /// <param name="named">Keys beside those of the server's own directory.</param>
    /// <param name="known">The counter that the device has: a later one than is known here was lost with a database, and is answered by a later one yet.</param>
    /// <exception cref="NotFoundException">No fleet key is at hand.</exception>
    /// <exception cref="BranchMovedException">Somebody else told it something meanwhile.</exception>
    public void Tell(KeyId device, BranchName branch, Decision decision, IReadOnlyList<ISigner>? named = null, long? known = null)
    {
        if (Sign(device, branch, decision, named, known) is not { } signed)
            return;
        using var connection = database.Connect();
        Write(connection, signed);
    }

    /// <summary>As <see cref="Tell"/>, but for writing it down; null when there is nothing to tell. Signing may take a person's time, so nothing is locked meanwhile.</summary>
    /// <exception cref="NotFoundException">No fleet key is at hand.</exception>
    public SignedAssignment? Sign(KeyId device, BranchName branch, Decision decision, IReadOnlyList<ISigner>? named = null, long? known = null)
    {
        using var connection = database.Connect();
        var last = connection.Query("SELECT * FROM assignments WHERE device = $device", Told.Read, ("$device", device)).FirstOrDefault();
        var now = time.GetUtcNow();
        // What a key signed that has been dismissed since, no device obeys.
        // A number that no server of these keys can have come to is somebody else's, and not to be gone past.
        var isLost = known > (last?.Counter ?? 0) && known < now.AddYears(1).ToUnixTimeSeconds();
        if (!isLost && IsTold(last, branch, decision, now) && (last is null || decision.Directive is Directive.Follow || StillCounts(last.Statement)))
            return null;
        var run = decision.Directive as Directive.Run;
        var statement = new AssignmentStatement
        {
            Device = device,
            Branch = branch,
            // Above what a lost database may have signed.
            Counter = Math.Max(Math.Max(last?.Counter ?? 0, isLost ? known ?? 0 : 0) + 1, now.ToUnixTimeSeconds()),
            Action = ActionOf(decision.Directive),
            Commit = run?.Commit,
            Sequence = run?.Sequence ?? 0,
            Reason = decision.Reason,
            Created = now,
            Expires = decision.Until ?? now.AddYears(DefaultYears),
        };
        return new SignedAssignment(statement, decision.Action, Sign(statement, named ?? []));
    }

    /// <summary>Writes down what was signed, in the caller's transaction where there is one.</summary>
    /// <exception cref="BranchMovedException">Somebody else told the device something meanwhile.</exception>
    public static void Write(DbConnection connection, SignedAssignment told)
    {
        var statement = told.Statement;
        var changed = connection.Execute("""
            INSERT INTO assignments (device, branch, counter, expires, action, commit_id, reason, statement)
            VALUES ($device, $branch, $counter, $expires, $action, $commit, $reason, $statement)
            ON CONFLICT (device) DO UPDATE SET branch = $branch, counter = $counter, expires = $expires, action = $action,
              commit_id = $commit, reason = $reason, statement = $statement
              WHERE assignments.counter < $counter
            """,
            ("$device", statement.Device), ("$branch", statement.Branch), ("$counter", statement.Counter), ("$expires", statement.Expires), ("$action", told.Action),
            ("$commit", statement.Commit), ("$reason", statement.Reason), ("$statement", told.Signed.Bytes.ToArray()));
        if (changed == 0)
            throw new BranchMovedException($"device {statement.Device} was told something else meanwhile; nothing was changed, say it again");
    }

    /// <exception cref="NotFoundException">No fleet key is at hand, so that devices could not be told anything.</exception>
    public void RequireKey()
    {
        var role = FleetRole(data.Trust.Load());
        RequireEnough(data.LoadOnlineKeys().Signers.Count(signer => role.KeyIds.Contains(signer.Public.Id)), role);
    }

    private static bool IsTold(Told? last, BranchName branch, Decision decision, DateTimeOffset now)
    {
        if (last is null || last.Branch != branch || last.Expires <= now)
            return decision.Directive is Directive.Follow;
        return last.Action == decision.Action && last.Commit == (decision.Directive as Directive.Run)?.Commit && last.Reason == decision.Reason &&
            (decision.Until is { } until ? last.Expires == until : last.Expires > now.AddYears(1));
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
        var role = FleetRole(root);
        var signed = data.LoadOnlineKeys().With(named).Sign(Envelope.Create(statement.Encode(), []), root, Role.Fleet);
        RequireEnough(root.SignersOf(signed, Role.Fleet).Count, role);
        return signed;
    }

    private static Role FleetRole(TrustRoot root) => root.Roles.TryGetValue(Role.Fleet, out var role)
        ? role
        : throw new NotFoundException("the trust root names no fleet key, so devices would obey nobody; 'ctree-server key new --online' and 'key root --add fleet=FILE' begin with it");

    private void RequireEnough(int signers, Role role)
    {
        if (signers < role.Threshold)
            throw new NotFoundException($"{signers} of {role.Threshold} fleet keys are at hand; put one into {data.Path}/online-keys or name it with --key or --signer");
    }

    private static AssignmentAction ActionOf(Directive directive) => directive switch
    {
        Directive.Follow => AssignmentAction.Follow,
        Directive.Hold => AssignmentAction.Hold,
        _ => AssignmentAction.Pin,
    };

    private sealed record Told(BranchName Branch, long Counter, DateTimeOffset Expires, string Action, ObjectId? Commit, string Reason, byte[] Statement)
    {
        public static Told Read(DbDataReader row) => new(
            BranchName.Parse(row.Text("branch")), row.Number("counter"), row.Time("expires"), row.Text("action"), Devices.IdOf(row, "commit_id"), row.Text("reason"), (byte[])row["statement"]);
    }
}
