using System.Text;

namespace ContentTree.Store.Objects;

/// <summary>What a commit may hold at most, checked when it is written and when it is read.</summary>
internal static class CommitLimits
{
    public const int EncodedBytes = 1 << 20;
    public const int Parents = 16;
    public const int Compatible = 64;
    public const int Actions = 256;
    public const int Migrations = 256;
    public const int Annotations = 256;
    public const int TextBytes = 4 << 10;
    public const int BodyBytes = 64 << 10;

    /// <exception cref="FormatException">A value is outside the limits; the message says which.</exception>
    public static void Check(Commit commit)
    {
        Line("version", commit.Version);
        Line("subject", commit.Subject);
        Text("body", commit.Body, BodyBytes, "\n\t");
        Line("architecture", commit.Architecture);
        Source(commit.Source);
        Require(commit.Created >= DateTimeOffset.UnixEpoch, "created is before 1970");
        Require(commit.Bytes >= 0, "bytes is negative");
        Require(commit.Entries >= 0, "entries is negative");
        Distinct("parents", commit.Parents, Parents);
        Distinct("compatible", commit.Compatible, Compatible);
        foreach (var hardware in commit.Compatible)
            Name("compatible", hardware);
        CheckActions(commit.Actions);
        CheckMigrations(commit.Migrations);
        CheckAnnotations(commit.Annotations);
    }

    private static void Source(CommitSource source)
    {
        Line("source.url", source.Url);
        Line("source.revision", source.Revision);
        Line("source.describe", source.Describe);
    }

    private static void CheckActions(IReadOnlyList<CommitAction> actions)
    {
        Count("actions", actions.Count, Actions);
        foreach (var action in actions)
        {
            Line("actions.path", action.Path);
            Line("actions.unit", action.Unit);
        }
    }

    private static void CheckMigrations(IReadOnlyList<CommitMigration> migrations)
    {
        Count("migrations", migrations.Count, Migrations);
        var last = -1L;
        foreach (var migration in migrations)
        {
            Require(migration.Number > last, "migrations do not rise by number from 0");
            last = migration.Number;
            Line("migrations.path", migration.Path);
            Require(IsPath(migration.Path), "migrations.path is no path from the tree's root");
        }
    }

    private static void CheckAnnotations(IReadOnlyDictionary<string, string> annotations)
    {
        Count("annotations", annotations.Count, Annotations);
        foreach (var (name, value) in annotations)
        {
            Name("annotations", name);
            Line($"annotations.{name}", value);
        }
    }

    private static bool IsPath(string path) => path.Split('/').All(segment => segment is not ("" or "." or ".."));

    private static void Distinct<T>(string what, IReadOnlyList<T> items, int max)
    {
        Count(what, items.Count, max);
        Require(items.Distinct().Count() == items.Count, $"{what} has an item twice");
    }

    private static void Count(string what, int count, int max) => Require(count <= max, $"{what} has {count} items, more than {max}");

    private static void Name(string what, string text)
    {
        Require(text.Length > 0, $"{what} has an empty name");
        Line(what, text);
    }

    private static void Line(string what, string text) => Text(what, text, TextBytes, "");

    private static void Text(string what, string text, int maxBytes, string allowedControls)
    {
        Require(Encoding.UTF8.GetByteCount(text) <= maxBytes, $"{what} is longer than {maxBytes} bytes");
        foreach (var c in text)
        {
            if (char.IsControl(c) && !allowedControls.Contains(c, StringComparison.Ordinal))
                throw new FormatException($"commit.{what} has the control character U+{(int)c:X4}");
        }
    }

    private static void Require(bool condition, string otherwise)
    {
        if (!condition)
            throw new FormatException($"commit.{otherwise}");
    }
}
