using ContentTree.Store.Objects;
using ContentTree.Store.Trust;

namespace ContentTree.Tests.Trust;

/// <summary>A root with one root key and one release key, and heads to sign.</summary>
internal sealed class Statements : IDisposable
{
    public static readonly BranchName Branch = BranchName.Parse("stable/amd64");
    public static readonly ObjectId Commit = ObjectId.Of("a commit"u8);
    public static readonly DateTimeOffset Created = new(2026, 11, 21, 3, 45, 0, TimeSpan.Zero);

    public Statements() => Trust = TrustRoot.Load(RootKey.Sign(Root()).Bytes.Span);

    public SigningKey RootKey { get; } = SigningKey.Generate();

    public SigningKey Release { get; } = SigningKey.Generate();

    public TrustRoot Trust { get; }

    public RootStatement Root() => RootStatement.Of(RootKey.Public, Release.Public, 1, Created.AddYears(10));

    /// <summary>A root whose release role is these keys.</summary>
    public TrustRoot TrustIn(IReadOnlyList<PublicKey> release, int threshold)
    {
        var root = Root() with
        {
            Keys = release.Append(RootKey.Public).ToDictionary(k => k.Id),
            Roles = new Dictionary<string, Role>
            {
                [Role.Root] = new([RootKey.Id], 1),
                [Role.Release] = new([.. release.Select(k => k.Id).Order()], threshold),
            },
        };
        return TrustRoot.Load(RootKey.Sign(root).Bytes.Span);
    }

    public static HeadStatement Head() => new()
    {
        Branch = Branch,
        Commit = Commit,
        Sequence = 7,
        Created = Created,
        Expires = Created.AddYears(1),
    };

    public void Dispose()
    {
        RootKey.Dispose();
        Release.Dispose();
    }
}
