using ContentTree.Store.Json;
using ContentTree.Store.Objects;
using static ContentTree.Store.Json.JsonValue;

namespace ContentTree.Store.Trust;

/// <summary>"The newest head of branch B is H, now". A key on the server signs it, for a short time, so that a frozen branch is noticed.</summary>
public sealed record TimestampStatement : Statement
{
    internal const string KindWord = "timestamp";

    /// <inheritdoc/>
    public override string Kind => KindWord;

    /// <summary>The branch.</summary>
    public required BranchName Branch { get; init; }

    /// <summary>The id of its newest head: the SHA-256 of the whole head file.</summary>
    public required ObjectId Head { get; init; }

    /// <summary>The sequence of that head.</summary>
    public required long Sequence { get; init; }

    /// <summary>When that was so; kept in UTC and whole seconds. It is also its version: of one branch it only ever rises.</summary>
    public required DateTimeOffset Created { get; init => field = UtcSeconds.Truncate(value); }

    internal static TimestampStatement FromJson(JsonFields fields)
    {
        var timestamp = new TimestampStatement
        {
            Branch = fields.Parsed<BranchName>("branch", BranchName.TryParse, "a branch name"),
            Head = fields.Parsed<ObjectId>("head", (string text, out ObjectId id) => ObjectId.TryParse(text, out id), "an object id"),
            Sequence = Positive(fields, "sequence"),
            Created = Time(fields, "created"),
            Expires = Time(fields, "expires"),
        };
        return timestamp.Expires > timestamp.Created ? timestamp : throw new FormatException("signed.expires is not after signed.created");
    }

    private protected override JsonValue ToJson() => ObjectOf(
        ("kind", Kind),
        ("format", Format),
        ("branch", Branch.ToString()),
        ("head", Head.ToString()),
        ("sequence", Sequence),
        ("created", UtcSeconds.Format(Created)),
        ("expires", UtcSeconds.Format(Expires)));
}
