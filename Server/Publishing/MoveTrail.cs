using System.Data.Common;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ContentTree.Server.Auditing;
using ContentTree.Server.Storage;
using ContentTree.Server.Webhooks;
using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Publishing;

/// <summary>
/// What the audit log and webhooks are to hear of moves of branches. A head is a file, so no transaction holds both: what is to be said is written to
/// <c>unnoted/</c> before the branch moves and goes once it was said, so a move whose server ended, or whose database was away, is said later.
/// </summary>
internal sealed class MoveTrail(DataDirectory data, TimeProvider time)
{
    private const int MaxBytes = 16 * 1024;
    private const int Private = 0x1c0;

    // Entries among which one is that somebody else has just made.
    private const int Lately = 10_000;

    // Of one that is there for longer without its head nobody is about to move the branch.
    private static readonly TimeSpan Patience = TimeSpan.FromHours(1);

    private readonly Audit _audit = new(data, time);
    private readonly string _path = Path.Combine(data.Path, "unnoted");

    /// <summary>What is to be said of one move.</summary>
    public sealed record Note(string Name, JsonObject Move);

    /// <summary>Before the branch moves.</summary>
    /// <returns>For <see cref="End"/> or <see cref="Drop(Note)"/>.</returns>
    public Note Begin(BranchPosition seen, ObjectId commit, long sequence, BranchMove move)
    {
        EnsureFolder();
        var note = new Note(string.Create(CultureInfo.InvariantCulture, $"{Prefix($"{seen.Branch}")}{sequence}-{Guid.NewGuid():n}.json"), new JsonObject
        {
            ["branch"] = $"{seen.Branch}",
            ["sequence"] = sequence,
            ["commit"] = $"{commit}",
            ["beforeSequence"] = seen.Head?.Sequence,
            ["before"] = seen.Head?.Commit.ToString(),
            ["verb"] = move.Verb,
            ["by"] = move.By,
            ["address"] = move.Address,
            ["reason"] = move.Reason,
        });
        using var folder = Posix.OpenDirectory(_path);
        DurableFiles.TryCreate(folder, Encoding.ASCII.GetBytes(note.Name), JsonSerializer.SerializeToUtf8Bytes(note.Move));
        return note;
    }

    /// <summary>The branch has not moved.</summary>
    public void Drop(Note note) => Drop(note.Name);

    /// <summary>The branch has moved.</summary>
    public void End(Note note)
    {
        Say(note.Move);
        DropPassed(note.Move);
        Drop(note.Name);
    }

    /// <summary>Says what could not be said before.</summary>
    public void Resume(CancellationToken cancellation)
    {
        if (!Directory.Exists(_path))
            return;
        foreach (var name in Directory.EnumerateFiles(_path, "*.json").Select(Path.GetFileName).OfType<string>().Order(StringComparer.Ordinal).ToArray())
        {
            cancellation.ThrowIfCancellationRequested();
            if (Read(name) is not { } move || !HasMoved(move))
            {
                if (File.GetLastWriteTimeUtc(Path.Combine(_path, name)) < (time.GetUtcNow() - Patience).UtcDateTime)
                    Drop(name);
            }
            // Looked for again last: who led the branch past it has dropped it before it ends.
            else if (!IsContested(move) && Read(name) is not null)
            {
                End(new Note(name, move));
            }
        }
    }

    private static string Prefix(string branch) => $"{ObjectId.Of(Encoding.UTF8.GetBytes(branch)).ToString()[..16]}-";

    private void EnsureFolder()
    {
        if (Directory.Exists(_path))
            return;
        using var parent = Posix.OpenDirectory(data.Path);
        DurableFiles.EnsureDirectory(parent, "unnoted"u8, Private);
        Posix.Fsync(parent, data.Path);
    }

    private void Drop(string name) => File.Delete(Path.Combine(_path, name));

    // Whoever ended between archiving a head and making it the newest has used its number, and the branch never was there.
    private void DropPassed(JsonObject move)
    {
        foreach (var name in NamesOf(Text(move, "branch")))
        {
            if (Read(name) is { } other && Passes(move, other))
                Drop(name);
        }
    }

    // Only one of the two has moved the branch, and it is not known yet which.
    private bool IsContested(JsonObject move) => NamesOf(Text(move, "branch")).Any(name => Read(name) is { } other && Passes(other, move));

    private static bool Passes(JsonObject move, JsonObject other) => Number(other, "sequence") > Number(move, "beforeSequence") && Number(other, "sequence") < Number(move, "sequence");

    private string[] NamesOf(string branch) => [.. Directory.EnumerateFiles(_path, $"{Prefix(branch)}*.json").Select(Path.GetFileName).OfType<string>()];

    // Whoever moved it may be saying so at this moment: under the lock of the log each looks for the other's entry.
    private void Say(JsonObject move)
    {
        var (branch, verb, after) = (Text(move, "branch"), $"branch.{Text(move, "verb")}", $"{move["sequence"]} {Text(move, "commit")}");
        using var connection = data.OpenDatabase().Connect();
        using var transaction = connection.BeginWriting();
        if (connection.Query("SELECT 1 FROM audit WHERE number > (SELECT max(number) FROM audit) - $lately AND subject = $branch AND after = $after", _ => 1, ("$lately", Lately), ("$branch", branch), ("$after", after)).Count > 0)
            return;
        var before = move["beforeSequence"] is { } sequence ? $"{sequence} {Text(move, "before")}" : null;
        var noted = _audit.Note(connection, new Actor(Text(move, "by"), Text(move, "address")), verb, branch, before, after, Text(move, "reason"));
        Tell(connection, move);
        transaction.Commit();
        _audit.Raise(connection, noted);
    }

    private void Tell(DbConnection connection, JsonObject move) => new Outbox(data.OpenDatabase(), time).Add(connection, WebhookEvent.Published, new JsonObject
    {
        ["branch"] = move["branch"]?.DeepClone(),
        ["sequence"] = move["sequence"]?.DeepClone(),
        ["commit"] = move["commit"]?.DeepClone(),
        ["before"] = move["before"]?.DeepClone(),
        ["verb"] = move["verb"]?.DeepClone(),
        ["by"] = move["by"]?.DeepClone(),
        ["reason"] = move["reason"]?.DeepClone(),
    });

    private bool HasMoved(JsonObject move)
    {
        try
        {
            var (branches, branch, sequence) = (new Branches(data, time), BranchName.Parse(Text(move, "branch")), Number(move, "sequence"));
            return branches.Read(branch).Head?.Sequence >= sequence && branches.ReadArchived(branch, sequence)?.Commit.ToString() == Text(move, "commit");
        }
        catch (Exception e) when (e is VerificationException or FormatException or InvalidOperationException)
        {
            // A damaged head is fsck's to tell of, and what somebody else has put here keeps nothing back that comes after it.
            return false;
        }
    }

    // Null where somebody else has said it meanwhile, or a power cut left half of it.
    private JsonObject? Read(string name)
    {
        using var folder = Posix.OpenDirectory(_path);
        try
        {
            return DurableFiles.TryRead(folder, Encoding.ASCII.GetBytes(name), MaxBytes) is { } json ? JsonNode.Parse(json) as JsonObject : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static long Number(JsonObject move, string name) => (long?)move[name] ?? 0;

    private static string Text(JsonObject move, string name) => (string?)move[name] ?? "";
}
