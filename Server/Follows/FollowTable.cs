using System.Buffers.Text;
using System.Data.Common;
using System.Security.Cryptography;
using System.Text.Json;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Follows;

/// <summary>A branch that follows, as the database has it.</summary>
/// <param name="Secret">Of its hook, or null.</param>
/// <param name="Stamp">Another one after each change of what was asked for; says nothing of it, for there may be passwords in that.</param>
/// <param name="Failed">The revision that could not be published.</param>
/// <param name="Attempts">How often that was tried.</param>
/// <param name="Retry">When it is tried again.</param>
internal sealed record FollowRow(Follow Follow, FollowProgress State, string? Secret, string Stamp, string? Failed, long Attempts, DateTimeOffset? Retry);

/// <summary>The branches that follow git repositories, and how that goes.</summary>
internal sealed class FollowTable(Database database, TimeProvider time)
{
    private const int SecretBytes = 32;
    private const int MaxError = 4000;

    public IReadOnlyList<FollowRow> List()
    {
        using var connection = database.Connect();
        return connection.Query("SELECT * FROM follows ORDER BY branch", Read);
    }

    /// <summary>Null where the branch follows nothing.</summary>
    public FollowRow? TryFind(BranchName branch)
    {
        using var connection = database.Connect();
        return Find(connection, branch);
    }

    /// <exception cref="NotFoundException">The branch follows nothing.</exception>
    public FollowRow Find(BranchName branch) => TryFind(branch) ?? throw Unknown(branch);

    /// <summary>Those that are to be looked at now.</summary>
    public IReadOnlyList<BranchName> Due()
    {
        using var connection = database.Connect();
        return connection.Query("SELECT branch FROM follows WHERE next <= $now OR asked > answered ORDER BY next, branch", row => BranchName.Parse(row.Text("branch")), ("$now", time.GetUtcNow()));
    }

    /// <summary>Writes down what a branch follows and asks for a look. What it followed before is forgotten.</summary>
    /// <param name="hook">True makes a new secret, false takes it away, null leaves it.</param>
    /// <param name="check">Hears what is there, or null, and throws where it must stay.</param>
    /// <returns>The new secret, if one was made.</returns>
    public string? Set(Follow follow, bool? hook, string by, Action<FollowRow?>? check = null)
    {
        var secret = hook == true ? Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes)) : null;
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting();
        check?.Invoke(Find(connection, follow.Settings.Branch));
        connection.Execute("""
            INSERT INTO follows (branch, settings, secret, stamp, changed_by, asked, answered, next) VALUES ($branch, $settings, $secret, $stamp, $by, 1, 0, $now)
            ON CONFLICT (branch) DO UPDATE SET settings = excluded.settings, secret = CASE WHEN $leave <> 0 THEN follows.secret ELSE excluded.secret END, stamp = excluded.stamp, changed_by = excluded.changed_by,
              asked = follows.asked + 1, next = excluded.next, looked = NULL, seen = NULL, published = NULL, commit_id = NULL, sequence = NULL,
              failures = 0, failed = NULL, attempts = 0, retry = NULL, code = 0, error = NULL
            """,
            ("$branch", follow.Settings.Branch), ("$settings", JsonSerializer.Serialize(follow.Settings, ProtocolJson.Default.FollowRequest)), ("$secret", secret),
            ("$stamp", RandomNumberGenerator.GetHexString(16, lowercase: true)), ("$by", by), ("$now", time.GetUtcNow()), ("$leave", hook is null));
        transaction.Commit();
        return secret;
    }

    /// <summary>The branch stays where it is.</summary>
    /// <exception cref="NotFoundException">The branch follows nothing.</exception>
    public void Remove(BranchName branch, Action<FollowRow?>? check = null)
    {
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting();
        check?.Invoke(Find(connection, branch));
        if (connection.Execute("DELETE FROM follows WHERE branch = $branch", ("$branch", branch)) == 0)
            throw Unknown(branch);
        transaction.Commit();
    }

    /// <summary>Asks for a look now.</summary>
    /// <param name="isAgain">Also at a revision that failed a moment ago.</param>
    /// <exception cref="NotFoundException">The branch follows nothing.</exception>
    public FollowRow Ask(BranchName branch, bool isAgain)
    {
        using var connection = database.Connect();
        if (connection.Execute("UPDATE follows SET asked = asked + 1, retry = CASE WHEN $again <> 0 THEN NULL ELSE retry END WHERE branch = $branch", ("$branch", branch), ("$again", isAgain)) == 0)
            throw Unknown(branch);
        return Find(branch);
    }

    /// <summary>The repository was reached, and nothing had to be published.</summary>
    /// <param name="seen">The row as it was before the look: one that was set anew meanwhile is left alone.</param>
    public void RecordSeen(FollowRow seen, string revision, DateTimeOffset next, bool isFine) => Record(seen, """
        looked = $now, next = $next, seen = $revision, failures = 0, code = CASE WHEN $fine <> 0 THEN 0 ELSE code END, error = CASE WHEN $fine <> 0 THEN NULL ELSE error END
        """, next, ("$revision", revision), ("$fine", isFine));

    public void RecordPublished(FollowRow seen, string revision, ObjectId commit, long sequence, DateTimeOffset next) => Record(seen, """
        looked = $now, next = $next, seen = $revision, published = $revision, commit_id = $commit, sequence = $sequence,
        failures = 0, failed = NULL, attempts = 0, retry = NULL, code = 0, error = NULL
        """, next, ("$revision", revision), ("$commit", commit), ("$sequence", sequence));

    /// <summary>A revision that cannot be published.</summary>
    public void RecordFailed(FollowRow seen, string revision, ExitCode code, string error, DateTimeOffset retry, DateTimeOffset next) => Record(seen, """
        looked = $now, next = $next, seen = $revision, failures = 0, attempts = CASE WHEN failed = $revision THEN attempts + 1 ELSE 1 END, failed = $revision, retry = $retry, code = $code, error = $error
        """, next, ("$revision", revision), ("$retry", retry), ("$code", (int)code), ("$error", Cut(error)));

    /// <summary>The repository was not reached, or has no such revision.</summary>
    public void RecordUnseen(FollowRow seen, ExitCode code, string error, DateTimeOffset next) => Record(seen, """
        looked = $now, next = $next, failures = failures + 1, code = $code, error = $error
        """, next, ("$code", (int)code), ("$error", Cut(error)));

    private void Record(FollowRow seen, string changes, DateTimeOffset next, params (string Name, object? Value)[] parameters)
    {
        using var connection = database.Connect();
        connection.Execute($"UPDATE follows SET answered = $asked, {changes} WHERE branch = $branch AND settings = $settings",
            [.. parameters, ("$asked", seen.State.Asked), ("$next", next), ("$now", time.GetUtcNow()), ("$branch", seen.Follow.Settings.Branch),
                ("$settings", JsonSerializer.Serialize(seen.Follow.Settings, ProtocolJson.Default.FollowRequest))]);
    }

    // Read on terminals: what a repository or a build prints must not be able to steer one.
    private static string Cut(string error) => string.Concat(error.Take(MaxError).Select(c => c is not '\n' && char.IsControl(c) ? ' ' : c));

    private static NotFoundException Unknown(BranchName branch) => new($"branch {branch} follows no git repository; 'follow list' shows those that do");

    private static FollowRow? Find(DbConnection connection, BranchName branch) =>
        connection.Query("SELECT * FROM follows WHERE branch = $branch", Read, ("$branch", branch)) is [var row] ? row : null;

    private static FollowRow Read(DbDataReader row)
    {
        var settings = JsonSerializer.Deserialize(row.Text("settings"), ProtocolJson.Default.FollowRequest) ?? throw new FormatException("a follow without settings");
        var state = new FollowProgress(
            row.Number("asked"), row.Number("answered"), row.Time("next"), row.TimeOrNull("looked"), row.TextOrNull("seen"), row.TextOrNull("published"),
            row.TextOrNull("commit_id") is { } commit ? ObjectId.Parse(commit) : null, row.IsDBNull(row.GetOrdinal("sequence")) ? null : row.Number("sequence"),
            row.Number("failures") is > 0 and var failures ? failures : null, row.Number("code") is not 0 and var code ? (int)code : null, row.TextOrNull("error"));
        return new FollowRow(Follow.Parse(settings), state, row.TextOrNull("secret"), row.Text("stamp"), row.TextOrNull("failed"), row.Number("attempts"), row.TimeOrNull("retry"));
    }
}
