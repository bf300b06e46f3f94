using System.Data.Common;
using System.Text.Json;
using System.Text.Json.Nodes;
using ContentTree.Server.Storage;
using ContentTree.Server.Webhooks;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Auditing;

/// <summary>
/// The audit log: who changed what, when and why. Rows are only ever added, and each has the hash of the one before it in its own. Whoever
/// makes a change notes it when it is made: <c>audit.Note(Actor.Token(token, context), "device.accept", id, before, after, reason)</c>, within the
/// transaction of the change where there is one.
/// </summary>
internal sealed class Audit(DataDirectory data, TimeProvider time)
{
    private const int MaxText = 500;

    private readonly Database _database = data.OpenDatabase();
    private readonly AuditHeadFile _head = new(data);

    /// <summary>Writes down a change that was made.</summary>
    /// <param name="verb">The object's kind and what was done: "device.accept".</param>
    /// <param name="subject">What it was done to, by its name or id.</param>
    public void Note(Actor actor, string verb, object subject, string? before = null, string? after = null, string? reason = null)
    {
        using var connection = _database.Connect();
        using var transaction = connection.BeginWriting();
        var head = Note(connection, actor, verb, subject, before, after, reason);
        transaction.Commit();
        Raise(connection, head);
    }

    /// <summary>The same within the transaction that makes the change, beside which nobody else's runs: both are written or neither is.</summary>
    /// <returns>For <see cref="Raise(DbConnection, AuditHead?)"/>, once that is committed.</returns>
    public AuditHead Note(DbConnection connection, Actor actor, string verb, object subject, string? before = null, string? after = null, string? reason = null)
    {
        var entry = Add(connection, new AuditEntry(
            0, DateTimeOffset.FromUnixTimeSeconds(time.GetUtcNow().ToUnixTimeSeconds()), Line(actor.Name), Line(actor.Address), Line(verb), Line($"{subject}"), Line(before), Line(after), Line(reason), ""));
        Tell(connection, entry);
        return new AuditHead(entry.Number, entry.Hash);
    }

    /// <summary>Writes the last entry's hash down beside the database. After the commit, so that it names no entry that a power cut takes back; and under the lock, so that of several servers none takes it back.</summary>
    /// <param name="head">Null where nothing was noted.</param>
    public void Raise(AuditHead? head)
    {
        if (head is null)
            return;
        using var connection = _database.Connect();
        Raise(connection, head);
    }

    /// <summary>The same on a connection that is at hand: whoever holds one and waits for another could wait for ever, where many do.</summary>
    public void Raise(DbConnection connection, AuditHead? head)
    {
        if (head is null)
            return;
        using var turn = connection.BeginWriting();
        _head.Raise(head);
    }

    /// <summary>The newest entries, newest first.</summary>
    public IReadOnlyList<AuditEntry> List(AuditFilter filter, int limit, long? below = null)
    {
        using var connection = _database.Connect();
        return connection.Query("""
            SELECT * FROM audit WHERE number < $below AND ($actor = '' OR actor = $actor) AND ($verb = '' OR verb = $verb OR substr(verb, 1, length($verb) + 1) = $verb || '.')
              AND ($subject = '' OR subject = $subject) AND time >= $since ORDER BY number DESC LIMIT $limit
            """, Read, ("$below", below ?? long.MaxValue), ("$actor", filter.Actor ?? ""), ("$verb", filter.Verb ?? ""), ("$subject", filter.Subject ?? ""),
            ("$since", filter.Since ?? DateTimeOffset.UnixEpoch), ("$limit", limit));
    }

    /// <summary>The last entry that was ever made, as it is written beside the database; null before the first.</summary>
    public AuditHead? Head() => _head.TryRead();

    private void Tell(DbConnection connection, AuditEntry entry)
    {
        var (outbox, data) = (new Outbox(_database, time), JsonSerializer.SerializeToNode(entry, ProtocolJson.Default.AuditEntry) as JsonObject ?? []);
        outbox.Add(connection, WebhookEvent.Noted, data);
        if (WebhookEvent.OfChange(entry) is { } name)
            outbox.Add(connection, name, new JsonObject { ["device"] = entry.Subject, ["by"] = entry.Actor, ["before"] = entry.Before, ["after"] = entry.After });
    }

    private AuditEntry Add(DbConnection connection, AuditEntry entry)
    {
        var last = connection.Query("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1", row => new AuditHead(row.Number("number"), row.Text("hash"))) is [var newest] ? newest : null;
        // What is gone from the end of the table leaves a gap for ever instead of being written over.
        if (_head.TryRead() is { } known && known.Number > (last?.Number ?? 0))
            last = known;
        var numbered = entry with { Number = (last?.Number ?? 0) + 1 };
        var hash = AuditChain.Hash(last?.Hash ?? "", numbered);
        connection.Execute("""
            INSERT INTO audit (number, time, actor, address, verb, subject, before, after, reason, hash)
            VALUES ($number, $time, $actor, $address, $verb, $subject, $before, $after, $reason, $hash)
            """,
            ("$number", numbered.Number), ("$time", entry.Time), ("$actor", entry.Actor), ("$address", entry.Address), ("$verb", entry.Verb), ("$subject", entry.Subject),
            ("$before", entry.Before), ("$after", entry.After), ("$reason", entry.Reason), ("$hash", hash));
        return numbered with { Hash = hash };
    }

    // Read on terminals and in spreadsheets, and written by whoever has a token.
    private static string Line(string? text) => text is null ? "" : string.Concat(text.EnumerateRunes().Take(MaxText).Select(rune => System.Text.Rune.IsControl(rune) ? " " : rune.ToString()));

    private static AuditEntry Read(DbDataReader row) => new(
        row.Number("number"), row.Time("time"), row.Text("actor"), row.Text("address"), row.Text("verb"), row.Text("subject"), row.Text("before"), row.Text("after"), row.Text("reason"), row.Text("hash"));
}
