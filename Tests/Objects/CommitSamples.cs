using ContentTree.Store.Objects;
using FsCheck;
using FsCheck.Fluent;

namespace ContentTree.Tests.Objects;

/// <summary>Commits to try things on.</summary>
internal static class CommitSamples
{
    private static readonly Gen<string> Word =
        Gen.Elements("a", "Z", "0", "\"", "\\", "/", " ", "ä", "世", "🚀", "\uffee", "\u2028", "<", "+").ListOf().Select(string.Concat);

    private static readonly Gen<ObjectId> Id = Gen.Choose(0, int.MaxValue).Select(i => ObjectId.Of(BitConverter.GetBytes(i)));

    public static Commit Minimal { get; } = new()
    {
        Tree = ObjectId.Of("tree"u8),
        Created = DateTimeOffset.UnixEpoch,
        Source = new CommitSource(CommitSourceKind.Directory),
    };

    /// <summary>Commits with every field filled at random.</summary>
    public static Arbitrary<Commit> Any { get; } = Arb.From(
        from kind in Gen.Elements(Enum.GetValues<CommitKind>())
        from tree in Id
        from parents in Id.ListOf(2)
        from seconds in Gen.Choose(0, int.MaxValue)
        from texts in Word.ListOf(8)
        from sourceKind in Gen.Elements(Enum.GetValues<CommitSourceKind>())
        from compatible in Word.Where(w => w != "").ListOf()
        from bytes in Gen.Choose(0, int.MaxValue)
        from actions in Action.ListOf()
        from numbers in Gen.Choose(0, 1000).ListOf()
        from names in Word.Where(w => w != "").ListOf()
        select new Commit
        {
            Kind = kind,
            Tree = tree,
            Parents = [.. parents.Distinct()],
            Created = DateTimeOffset.FromUnixTimeSeconds(seconds),
            Version = texts[0],
            Subject = texts[1],
            Body = texts[2] + "\n\t" + texts[3],
            Source = new CommitSource(sourceKind, texts[4], texts[5], texts[6]),
            Architecture = texts[7],
            Compatible = [.. compatible.Distinct()],
            Barrier = bytes % 2 == 0,
            Bytes = bytes * 1000L,
            Entries = bytes,
            Actions = [.. actions],
            Migrations = [.. numbers.Distinct().Order().Select(n => new CommitMigration(n, $"migrate/{n}"))],
            Annotations = names.Distinct().ToDictionary(n => n, n => n + n),
        });

    private static Gen<CommitAction> Action =>
        from kind in Gen.Elements(Enum.GetValues<CommitActionKind>())
        from path in Word
        from unit in Word
        select new CommitAction(kind, path, unit);
}
