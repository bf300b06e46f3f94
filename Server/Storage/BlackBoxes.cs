using System.Data.Common;
using System.Globalization;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Storage;

/// <summary>What devices sent about trials that failed: the newest few of each.</summary>
internal sealed class BlackBoxes(Database database, TimeProvider time)
{
    /// <summary>Boxes kept of one device.</summary>
    public const int Kept = 20;

    private const int MaxName = 64;

    /// <exception cref="FormatException">None, no deployment's name, or too long.</exception>
    public static void Require(BlackBoxRequest? box)
    {
        if (box?.Deployment is not { Length: > 0 and <= MaxName } name || !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '-'))
            throw new FormatException("deployment is no deployment's name");
        if (box.Text is not { Length: <= BlackBoxRequest.MaxText })
            throw new FormatException($"a black box has a text of at most {BlackBoxRequest.MaxText} characters");
    }

    /// <param name="at">When it was told, if not now; one that was told later stays.</param>
    /// <exception cref="FormatException">No deployment's name, or too long.</exception>
    public void Store(KeyId device, BlackBoxRequest box, DateTimeOffset? at = null)
    {
        Require(box);
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting(device);
        connection.Execute("""
            INSERT INTO black_boxes (device, deployment, time, text, commit_id) VALUES ($device, $deployment, $time, $text, $commit)
            ON CONFLICT (device, deployment) DO UPDATE SET time = excluded.time, text = excluded.text, commit_id = excluded.commit_id WHERE excluded.time >= black_boxes.time
            """, ("$device", device), ("$deployment", box.Deployment), ("$time", at ?? time.GetUtcNow()), ("$text", Printable(box.Text)), ("$commit", box.Commit));
        connection.Execute("""
            DELETE FROM black_boxes WHERE device = $device AND deployment NOT IN
              (SELECT deployment FROM black_boxes WHERE device = $device ORDER BY time DESC, deployment DESC LIMIT $kept)
            """, ("$device", device), ("$kept", Kept));
        transaction.Commit();
    }

    /// <summary>A device's boxes without their text, newest first.</summary>
    public IReadOnlyList<BlackBoxInfo> List(KeyId device)
    {
        using var connection = database.Connect();
        return connection.Query("SELECT deployment, time, commit_id FROM black_boxes WHERE device = $device ORDER BY time DESC, deployment DESC",
            row => new BlackBoxInfo(row.Text("deployment"), row.Time("time"), null, CommitOf(row)), ("$device", device));
    }

    /// <exception cref="NotFoundException">There is no such box.</exception>
    public BlackBoxInfo Read(KeyId device, string deployment)
    {
        using var connection = database.Connect();
        return connection.Query("SELECT * FROM black_boxes WHERE device = $device AND deployment = $deployment",
            row => new BlackBoxInfo(row.Text("deployment"), row.Time("time"), row.Text("text"), CommitOf(row)), ("$device", device), ("$deployment", deployment)) is [var box]
            ? box
            : throw Unknown(device, deployment);
    }

    /// <summary>A box with no more than the last characters of its text, and how many it has in all.</summary>
    /// <exception cref="NotFoundException">There is no such box.</exception>
    public (BlackBoxInfo Box, long Length) ReadEnd(KeyId device, string deployment, int characters)
    {
        using var connection = database.Connect();
        return connection.Query("""
            SELECT deployment, time, commit_id, CAST(length(text) AS BIGINT) AS length, substr(text, CAST(CASE WHEN length(text) > $characters THEN length(text) - $characters + 1 ELSE 1 END AS INTEGER)) AS text
            FROM black_boxes WHERE device = $device AND deployment = $deployment
            """, row => (new BlackBoxInfo(row.Text("deployment"), row.Time("time"), row.Text("text"), CommitOf(row)), row.Number("length")),
            ("$device", device), ("$deployment", deployment), ("$characters", characters)) is [var end]
            ? end
            : throw Unknown(device, deployment);
    }

    private static NotFoundException Unknown(KeyId device, string deployment) => new($"device {device} has sent no black box of {deployment}");

    private static ObjectId? CommitOf(DbDataReader row) => row.TextOrNull("commit_id") is { } commit ? ObjectId.Parse(commit) : null;

    // Read on terminals: a device must not be able to steer one.
    private static string Printable(string text) =>
        string.Concat(text.Select(c => c is '\n' or '\t' || !(char.IsControl(c) || char.GetUnicodeCategory(c) == UnicodeCategory.Format) ? c : ' '));
}
