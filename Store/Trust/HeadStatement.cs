using ContentTree.Store.Json;
using ContentTree.Store.Objects;
using static ContentTree.Store.Json.JsonValue;

namespace ContentTree.Store.Trust;

/// <summary>"Branch B is at commit C, sequence N, valid until T". Release keys sign it.</summary>
public sealed record HeadStatement : Statement
{
    internal const string KindWord = "head";

    /// <inheritdoc/>
    public override string Kind => KindWord;

    /// <summary>The branch.</summary>
    public required BranchName Branch { get; init; }

    /// <summary>The commit it is at.</summary>
    public required ObjectId Commit { get; init; }

    /// <summary>The position on the branch: from 1, only ever rising, not always by one.</summary>
    public required long Sequence { get; init; }

    /// <summary>When it was published; kept in UTC and whole seconds.</summary>
    public required DateTimeOffset Created { get; init => field = UtcSeconds.Truncate(value); }

    internal static HeadStatement FromJson(JsonFields fields)
    {
        var head = new HeadStatement
        {
            Branch = fields.Parsed<BranchName>("branch", BranchName.TryParse, "a branch name"),
            Commit = fields.Parsed<ObjectId>("commit", (string text, out ObjectId id) => ObjectId.TryParse(text, out id), "an object id"),
            Sequence = Positive(fields, "sequence"),
            Created = Time(fields, "created"),
            Expires = Time(fields, "expires"),
        };
        return head.Expires > head.Created ? head : throw new FormatException("signed.expires is not after signed.created");
    }

    private protected override JsonValue ToJson() => ObjectOf(
        ("kind", Kind),
        ("format", Format),
        ("branch", Branch.ToString()),
        ("commit", Commit.ToString()),
        ("sequence", Sequence),
        ("created", UtcSeconds.Format(Created)),
        ("expires", UtcSeconds.Format(Expires)));
}
