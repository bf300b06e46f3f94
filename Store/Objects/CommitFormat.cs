using ContentTree.Store.Json;
using static ContentTree.Store.Json.JsonValue;

namespace ContentTree.Store.Objects;

/// <summary>A commit as canonical JSON: every field always present, so one encoding per value.</summary>
internal static class CommitFormat
{
    public const long Format = 1;

    private static readonly Words<CommitKind> Kinds = new(
        (CommitKind.Release, "release"), (CommitKind.Development, "development"));

    private static readonly Words<CommitSourceKind> SourceKinds = new(
        (CommitSourceKind.Directory, "directory"), (CommitSourceKind.Tar, "tar"), (CommitSourceKind.Image, "image"),
        (CommitSourceKind.Git, "git"), (CommitSourceKind.Compose, "compose"), (CommitSourceKind.Ostree, "ostree"));

    private static readonly Words<CommitActionKind> ActionKinds = new(
        (CommitActionKind.None, "none"), (CommitActionKind.Reload, "reload"), (CommitActionKind.Restart, "restart"),
        (CommitActionKind.SoftReboot, "soft-reboot"), (CommitActionKind.Reboot, "reboot"));

    public static byte[] Encode(Commit commit)
    {
        CommitLimits.Check(commit);
        var bytes = CanonicalJson.Encode(ToJson(commit));
        return bytes.Length <= CommitLimits.EncodedBytes
            ? bytes
            : throw new FormatException($"commit has {bytes.Length} bytes, more than {CommitLimits.EncodedBytes}");
    }

    public static Commit Decode(ReadOnlySpan<byte> bytes)
    {
        var fields = new JsonFields(CanonicalJson.Decode(bytes, CommitLimits.EncodedBytes), "commit");
        if (fields.Integer("format") is var format and not Format)
            throw new FormatException($"commit.format is {format}, not {Format}");
        var commit = FromJson(fields);
        fields.End();
        CommitLimits.Check(commit);
        return commit;
    }

    private static JsonValue ToJson(Commit commit) => ObjectOf(
        ("format", Format),
        ("kind", Kinds.Of(commit.Kind)),
        ("tree", commit.Tree.ToString()),
        ("parents", ListOf(commit.Parents, p => p.ToString())),
        ("created", UtcSeconds.Format(commit.Created)),
        ("version", commit.Version),
        ("subject", commit.Subject),
        ("body", commit.Body),
        ("source", SourceToJson(commit.Source)),
        ("architecture", commit.Architecture),
        ("compatible", ListOf(commit.Compatible, c => c)),
        ("barrier", commit.Barrier),
        ("bytes", commit.Bytes),
        ("entries", commit.Entries),
        ("actions", ListOf(commit.Actions, ActionToJson)),
        ("migrations", ListOf(commit.Migrations, m => ObjectOf(("number", m.Number), ("path", m.Path)))),
        ("annotations", ObjectOf([.. commit.Annotations.Select(a => (a.Key, (JsonValue)a.Value))])));

    private static Commit FromJson(JsonFields fields) => new()
    {
        Kind = fields.Parsed<CommitKind>("kind", Kinds.TryParse, "release or development"),
        Tree = fields.Parsed<ObjectId>("tree", TryParseId, "an object id"),
        Parents = fields.List("parents", CommitLimits.Parents, ParentFromJson),
        Created = fields.Parsed<DateTimeOffset>("created", UtcSeconds.TryParse, "a time like 2026-11-21T03:45:00Z"),
        Version = fields.Text("version"),
        Subject = fields.Text("subject"),
        Body = fields.Text("body"),
        Source = SourceFromJson(fields.Object("source")),
        Architecture = fields.Text("architecture"),
        Compatible = fields.List("compatible", CommitLimits.Compatible, JsonFields.TextItem),
        Barrier = fields.Bool("barrier"),
        Bytes = fields.Integer("bytes"),
        Entries = fields.Integer("entries"),
        Actions = fields.List("actions", CommitLimits.Actions, ActionFromJson),
        Migrations = fields.List("migrations", CommitLimits.Migrations, MigrationFromJson),
        Annotations = fields.Map("annotations", CommitLimits.Annotations)
            .ToDictionary(a => a.Key, a => JsonFields.TextItem(a.Value, $"commit.annotations.{a.Key}"), StringComparer.Ordinal),
    };

    private static ObjectId ParentFromJson(JsonValue value, string where) =>
        TryParseId(JsonFields.TextItem(value, where), out var id) ? id : throw new FormatException($"{where} is not an object id");

    private static JsonValue SourceToJson(CommitSource source) => ObjectOf(
        ("kind", SourceKinds.Of(source.Kind)), ("url", source.Url), ("revision", source.Revision), ("describe", source.Describe));

    private static CommitSource SourceFromJson(JsonFields fields)
    {
        var source = new CommitSource(
            fields.Parsed<CommitSourceKind>("kind", SourceKinds.TryParse, "a kind of source"),
            fields.Text("url"), fields.Text("revision"), fields.Text("describe"));
        fields.End();
        return source;
    }

    private static JsonValue ActionToJson(CommitAction action) => ObjectOf(
        ("action", ActionKinds.Of(action.Kind)), ("path", action.Path), ("unit", action.Unit));

    private static CommitAction ActionFromJson(JsonValue value, string where)
    {
        var fields = new JsonFields(value, where);
        var action = new CommitAction(
            fields.Parsed<CommitActionKind>("action", ActionKinds.TryParse, "an action"), fields.Text("path"), fields.Text("unit"));
        fields.End();
        return action;
    }

    private static CommitMigration MigrationFromJson(JsonValue value, string where)
    {
        var fields = new JsonFields(value, where);
        var migration = new CommitMigration(fields.Integer("number"), fields.Text("path"));
        fields.End();
        return migration;
    }

    private static bool TryParseId(string text, out ObjectId id) => ObjectId.TryParse(text, out id);
}
