using System.Data.Common;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Drafts;

/// <summary>The drafts of the last weeks, so that every process of a server knows them.</summary>
internal sealed class DraftTable(Database database, TimeProvider time)
{
    private const int Shown = 30;
    private static readonly TimeSpan Kept = TimeSpan.FromDays(30);

    /// <summary>Work that was not heard of for so long has ended with its process.</summary>
    private static readonly TimeSpan Lost = TimeSpan.FromMinutes(2);

    public void Add(Draft draft)
    {
        using var connection = database.Connect();
        connection.Execute("DELETE FROM drafts WHERE created < $old", ("$old", time.GetUtcNow() - Kept));
        connection.Execute("""
            INSERT INTO drafts (id, branch, source, version, subject, made_by, created, beat, state, step, message, base, objects, bytes)
            VALUES ($id, $branch, $source, $version, $subject, $by, $created, $beat, $state, $step, '', $base, 0, 0)
            """, ("$id", draft.Id), ("$branch", draft.Branch), ("$source", draft.Source), ("$version", draft.Version), ("$subject", draft.Subject), ("$by", draft.By),
            ("$created", draft.Created), ("$beat", draft.Beat), ("$state", draft.State), ("$step", draft.Step), ("$base", draft.Base));
    }

    public void Advance(string id, string step) => Change("UPDATE drafts SET step = $step, beat = $now WHERE id = $id AND state = 'Reading'", id, ("$step", step));

    public void Beat(string id) => Change("UPDATE drafts SET beat = $now WHERE id = $id AND state = 'Reading'", id);

    public void End(string id, DraftState state, string message, ObjectId? commit = null, long objects = 0, long bytes = 0) =>
        Change("UPDATE drafts SET state = $state, message = $message, commit_id = $commit, objects = $objects, bytes = $bytes, beat = $now WHERE id = $id AND state = 'Reading'",
            id, ("$state", state), ("$message", message), ("$commit", commit), ("$objects", objects), ("$bytes", bytes));

    /// <summary>Decides about one that is ready; false when somebody has already.</summary>
    public bool Decide(string id, DraftState state) => Change("UPDATE drafts SET state = $state, beat = $now WHERE id = $id AND state = 'Ready'", id, ("$state", state)) > 0;

    /// <exception cref="NotFoundException">There is no such draft, or no more.</exception>
    public Draft Find(string id)
    {
        using var connection = database.Connect();
        return connection.Query("SELECT * FROM drafts WHERE id = $id", Read, ("$id", id)) is [var draft] ? draft : throw new NotFoundException("no such draft; they are kept for 30 days");
    }

    public IReadOnlyList<Draft> Newest()
    {
        using var connection = database.Connect();
        return connection.Query("SELECT * FROM drafts ORDER BY created DESC, id LIMIT $limit", Read, ("$limit", Shown));
    }

    private int Change(string sql, string id, params ReadOnlySpan<(string Name, object? Value)> others)
    {
        using var connection = database.Connect();
        return connection.Execute(sql, [("$id", id), ("$now", time.GetUtcNow()), .. others]);
    }

    private Draft Read(DbDataReader row)
    {
        var draft = new Draft(
            row.Text("id"), BranchName.Parse(row.Text("branch")), row.Text("source"), row.Text("version"), row.Text("subject"), row.Text("made_by"), row.Time("created"), row.Time("beat"),
            Enum.Parse<DraftState>(row.Text("state")), row.Text("step"), row.Text("message"), IdOf(row, "base"), IdOf(row, "commit_id"), row.Number("objects"), row.Number("bytes"));
        return draft.State == DraftState.Reading && time.GetUtcNow() - draft.Beat > Lost
            ? draft with { State = DraftState.Failed, Message = "the server ended while it was read; send it again" }
            : draft;
    }

    private static ObjectId? IdOf(DbDataReader row, string column) => row.TextOrNull(column) is { } text ? ObjectId.Parse(text) : null;
}
