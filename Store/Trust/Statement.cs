using ContentTree.Store.Json;

namespace ContentTree.Store.Trust;

/// <summary>Something that keys vouch for until it expires. The kinds are closed: each has its own record in this folder.</summary>
public abstract record Statement
{
    internal const long Format = 1;

    private protected Statement()
    {
    }

    /// <summary>The word that names the kind in the bytes, for instance "head".</summary>
    public abstract string Kind { get; }

    /// <summary>When it ends; kept in UTC and whole seconds.</summary>
    public required DateTimeOffset Expires { get; init => field = UtcSeconds.Truncate(value); }

    /// <summary>The canonical bytes: what is signed.</summary>
    /// <exception cref="FormatException">A value is outside the limits.</exception>
    public byte[] Encode()
    {
        var json = ToJson();
        Decode(json);
        return CanonicalJson.Encode(json);
    }

    /// <exception cref="FormatException">No statement of a known kind and format.</exception>
    internal static Statement Decode(JsonValue json)
    {
        var fields = new JsonFields(json, "signed");
        var kind = fields.Text("kind");
        if (fields.Integer("format") is var format and not Format)
            throw new FormatException($"signed.format is {format}, not {Format}");
        Statement statement = kind switch
        {
            RootStatement.KindWord => RootStatement.FromJson(fields),
            HeadStatement.KindWord => HeadStatement.FromJson(fields),
            AssignmentStatement.KindWord => AssignmentStatement.FromJson(fields),
            ConfigurationStatement.KindWord => ConfigurationStatement.FromJson(fields),
            TimestampStatement.KindWord => TimestampStatement.FromJson(fields),
            _ => throw new FormatException($"signed.kind is '{kind}'"),
        };
        fields.End();
        return statement;
    }

    private protected abstract JsonValue ToJson();

    private protected static DateTimeOffset Time(JsonFields fields, string name)
    {
        var time = fields.Parsed<DateTimeOffset>(name, UtcSeconds.TryParse, "a time like 2026-11-21T03:45:00Z");
        return time >= DateTimeOffset.UnixEpoch ? time : throw new FormatException($"signed.{name} is before 1970");
    }

    private protected static long Positive(JsonFields fields, string name) =>
        fields.Integer(name) is var number and > 0 ? number : throw new FormatException($"signed.{name} is not above 0");
}
