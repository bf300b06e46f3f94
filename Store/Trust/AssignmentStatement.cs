using ContentTree.Store.Json;
using ContentTree.Store.Objects;
using static ContentTree.Store.Json.JsonValue;

namespace ContentTree.Store.Trust;

/// <summary>
/// "Device D runs commit C of branch B, for this reason, until T". Fleet keys sign it, with a counter of their own, so that going back is
/// possible on purpose. It gives no right to a commit: a head that release keys have signed has to have named it.
/// </summary>
public sealed record AssignmentStatement : Statement
{
    /// <summary>The longest reason, in characters.</summary>
    public const int MaxReason = 200;

    internal const string KindWord = "assignment";

    /// <inheritdoc/>
    public override string Kind => KindWord;

    /// <summary>The device, by its key.</summary>
    public required KeyId Device { get; init; }

    /// <summary>The branch it follows.</summary>
    public required BranchName Branch { get; init; }

    /// <summary>Of one device it only ever rises.</summary>
    public required long Counter { get; init; }

    /// <summary>What it is to do.</summary>
    public required AssignmentAction Action { get; init; }

    /// <summary>The commit of a pin, else null.</summary>
    public ObjectId? Commit { get; init; }

    /// <summary>The sequence of a head that has named it, else 0.</summary>
    public long Sequence { get; init; }

    /// <summary>Why, for people: one line.</summary>
    public required string Reason { get; init; }

    /// <summary>When it was made; kept in UTC and whole seconds.</summary>
    public required DateTimeOffset Created { get; init => field = UtcSeconds.Truncate(value); }

    internal static AssignmentStatement FromJson(JsonFields fields)
    {
        var action = fields.Parsed<AssignmentAction>("action", TryParse, "follow, hold or pin");
        var isPin = action == AssignmentAction.Pin;
        var assignment = new AssignmentStatement
        {
            Device = fields.Parsed<KeyId>("device", KeyId.TryParse, "a key id"),
            Branch = fields.Parsed<BranchName>("branch", BranchName.TryParse, "a branch name"),
            Counter = Positive(fields, "counter"),
            Action = action,
            Commit = isPin ? fields.Parsed<ObjectId>("commit", (string text, out ObjectId id) => ObjectId.TryParse(text, out id), "an object id") : null,
            Sequence = isPin ? Positive(fields, "sequence") : 0,
            Reason = fields.Parsed<string>("reason", TryReason, $"one line of at most {MaxReason} characters"),
            Created = Time(fields, "created"),
            Expires = Time(fields, "expires"),
        };
        return assignment.Expires > assignment.Created ? assignment : throw new FormatException("signed.expires is not after signed.created");
    }

    private protected override JsonValue ToJson()
    {
        var pin = Commit is { } commit ? new[] { ("commit", (JsonValue)commit.ToString()), ("sequence", Sequence) } : [];
        return ObjectOf([
            ("kind", Kind),
            ("format", Format),
            ("action", Word(Action)),
            ("device", Device.ToString()),
            ("branch", Branch.ToString()),
            ("counter", Counter),
            ("reason", Reason),
            ("created", UtcSeconds.Format(Created)),
            ("expires", UtcSeconds.Format(Expires)),
            .. pin]);
    }

    private static string Word(AssignmentAction action) => action switch
    {
        AssignmentAction.Hold => "hold",
        AssignmentAction.Pin => "pin",
        _ => "follow",
    };

    private static bool TryParse(string text, out AssignmentAction action)
    {
        action = text switch
        {
            "hold" => AssignmentAction.Hold,
            "pin" => AssignmentAction.Pin,
            _ => AssignmentAction.Follow,
        };
        return text == Word(action);
    }

    // It is shown on terminals.
    private static bool TryReason(string text, out string reason)
    {
        reason = text;
        return text.Length <= MaxReason && !text.Any(char.IsControl);
    }
}
