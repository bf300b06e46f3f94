using ContentTree.Store.Trust;

namespace ContentTree.Tests.Trust;

/// <summary>From one root to the next: who has to sign, and what does not follow.</summary>
public sealed class RootChainTests : IDisposable
{
    private readonly KeyRing _keys = new(4);
    private readonly TrustRoot _first;

    public RootChainTests() => _first = TrustRoot.Load(Signed(Root(1, [0]), 0).Bytes.Span);

    public void Dispose() => _keys.Dispose();

    [Fact]
    public void Fifty_rotations_lead_from_the_first_root_to_the_last()
    {
        var trust = _first;
        for (var version = 2; version <= 50; version++)
        {
            var (old, @new) = ((version - 2) % 4, (version - 1) % 4);
            trust = trust.Next(Signed(Root(version, [@new]), old, @new).Bytes.Span);
        }
        trust.Version.Should().Be(50);
        trust.Roles[Role.Root].KeyIds.Should().Equal(_keys[49 % 4].Id);
    }

    [Fact]
    public void A_root_that_keeps_its_keys_needs_one_signature() =>
        _first.Next(Signed(Root(2, [0]), 0).Bytes.Span).Version.Should().Be(2);

    [Theory]
    [InlineData(new[] { 1 }, "only the new key")]
    [InlineData(new[] { 0 }, "only the old key")]
    [InlineData(new[] { 2, 3 }, "strangers")]
    [InlineData(new int[] { }, "nobody")]
    public void A_rotation_is_signed_by_the_old_and_by_the_new_keys(int[] signers, string who) =>
        Refusal(() => _first.Next(Signed(Root(2, [1]), signers).Bytes.Span)).Should().Be(VerificationFailure.NotSigned, who);

    [Theory]
    [InlineData(1, VerificationFailure.RolledBack)]
    [InlineData(3, VerificationFailure.Skipped)]
    [InlineData((1L << 53) - 1, VerificationFailure.Skipped)]
    public void Only_the_next_version_follows(long version, VerificationFailure failure) =>
        Refusal(() => _first.Next(Signed(Root(version, [0]), 0).Bytes.Span)).Should().Be(failure);

    [Fact]
    public void Both_thresholds_have_to_be_reached()
    {
        var two = _first.Next(Signed(Root(2, [0, 1, 2], threshold: 2), 0, 1).Bytes.Span);
        Refusal(() => two.Next(Signed(Root(3, [3]), 0, 3).Bytes.Span)).Should().Be(VerificationFailure.NotSigned, "one of the two old keys");
        Refusal(() => two.Next(Signed(Root(3, [2, 3], threshold: 2), 0, 1, 3).Bytes.Span)).Should().Be(VerificationFailure.NotSigned, "one of the two new keys");
        two.Next(Signed(Root(3, [2, 3], threshold: 2), 0, 2, 3).Bytes.Span).Version.Should().Be(3);
    }

    [Fact]
    public void A_key_that_signed_twice_counts_once()
    {
        var two = _first.Next(Signed(Root(2, [0, 1], threshold: 2), 0, 1).Bytes.Span);
        Refusal(() => two.Next(Signed(Root(3, [0]), 0, 0).Bytes.Span)).Should().Be(VerificationFailure.NotSigned);
    }

    [Fact]
    public void A_root_that_has_ended_still_leads_to_the_next_one()
    {
        var ended = _first.Next(Signed(Root(2, [0]) with { Expires = Statements.Created.AddYears(-30) }, 0).Bytes.Span);
        ended.Next(Signed(Root(3, [0]), 0).Bytes.Span).Version.Should().Be(3);
    }

    [Fact]
    public void A_head_is_no_root()
    {
        var head = _keys[0].Sign(Statements.Head());
        Refusal(() => _first.Next(head.Bytes.Span)).Should().Be(VerificationFailure.WrongKind);
    }

    [Fact]
    public void Every_flipped_bit_is_refused()
    {
        var bytes = Signed(Root(2, [1]), 0, 1).Bytes.ToArray();
        _first.Next(bytes).Version.Should().Be(2);
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            var flipped = bytes.ToArray();
            flipped[bit / 8] ^= (byte)(1 << bit % 8);
            flipped.Invoking(b => _first.Next(b)).Should().Throw<VerificationException>($"bit {bit} is flipped");
        }
    }

    private RootStatement Root(long version, int[] rootKeys, int threshold = 1) => new()
    {
        Version = version,
        Expires = Statements.Created.AddYears(10),
        Keys = rootKeys.Append(0).Distinct().ToDictionary(i => _keys[i].Id, i => _keys[i].Public),
        Roles = new Dictionary<string, Role>
        {
            [Role.Root] = new([.. rootKeys.Select(i => _keys[i].Id).Order()], threshold),
            [Role.Release] = new([_keys[0].Id], 1),
        },
    };

    private Envelope Signed(RootStatement root, params int[] signers) =>
        signers.Aggregate(Envelope.Create(root.Encode(), []), (envelope, i) => envelope.SignedAlsoBy(_keys[i]));

    private static VerificationFailure Refusal(Action verify) => verify.Should().Throw<VerificationException>().Which.Failure;
}
