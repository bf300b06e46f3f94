using ContentTree.Store.Objects;
using ContentTree.Store.Trust;

namespace ContentTree.Tests.Trust;

public sealed class TrustRootTests : IDisposable
{
    private readonly Statements _s = new();

    [Fact]
    public void A_signed_head_is_verified()
    {
        var envelope = _s.Release.Sign(Statements.Head());

        var head = _s.Trust.VerifyHead(envelope.Bytes.Span, Statements.Branch);

        head.Branch.Should().Be(Statements.Branch);
        head.Commit.Should().Be(Statements.Commit);
        head.Sequence.Should().Be(7);
        head.Created.Should().Be(Statements.Created);
        head.Expires.Should().Be(Statements.Created.AddYears(1));
        head.Id.Should().Be(ObjectId.Of(envelope.Bytes.Span));
        head.Envelope.Bytes.ToArray().Should().Equal(envelope.Bytes.ToArray());
    }

    [Fact]
    public void Every_flipped_bit_of_a_head_is_refused()
    {
        var bytes = _s.Release.Sign(Statements.Head()).Bytes.ToArray();

        Flips(bytes, flipped => _s.Trust.VerifyHead(flipped, Statements.Branch));
    }

    [Fact]
    public void Every_flipped_bit_of_a_root_is_refused()
    {
        var bytes = _s.RootKey.Sign(_s.Root()).Bytes.ToArray();

        Flips(bytes, flipped => TrustRoot.Load(flipped));
    }

    [Fact]
    public void Every_truncation_of_a_head_is_refused()
    {
        var bytes = _s.Release.Sign(Statements.Head()).Bytes.ToArray();

        for (var length = 0; length < bytes.Length; length++)
            Refusal(() => _s.Trust.VerifyHead(bytes.AsSpan(0, length), Statements.Branch)).Should().Be(VerificationFailure.Malformed);
    }

    [Fact]
    public void The_root_has_the_fingerprint_of_its_signed_bytes_whoever_signed_it()
    {
        var signed = _s.Root().Encode();
        using var second = SigningKey.Generate();

        _s.Trust.Fingerprint.Should().Be(ObjectId.Of(signed).ToString());
        TrustRoot.Load(_s.RootKey.Sign(_s.Root()).SignedAlsoBy(second).Bytes.Span).Fingerprint.Should().Be(_s.Trust.Fingerprint);
    }

    [Theory]
    [InlineData(1, 1, true)]
    [InlineData(2, 1, false)]
    [InlineData(2, 2, true)]
    [InlineData(3, 2, false)]
    [InlineData(3, 3, true)]
    [InlineData(16, 15, false)]
    [InlineData(16, 16, true)]
    public void A_threshold_asks_for_that_many_keys(int threshold, int signers, bool enough)
    {
        using var keys = new KeyRing(threshold);
        var trust = _s.TrustIn(keys.Public, threshold);

        var verify = () => trust.VerifyHead(keys.Sign(Statements.Head(), signers).Bytes.Span, Statements.Branch);

        if (enough)
            verify().Sequence.Should().Be(7);
        else
            Refusal(() => verify()).Should().Be(VerificationFailure.NotSigned);
    }

    [Fact]
    public void A_key_that_signs_again_counts_once()
    {
        using var keys = new KeyRing(2);
        var trust = _s.TrustIn(keys.Public, threshold: 2);
        var again = keys.Sign(Statements.Head(), 1).SignedAlsoBy(keys[0]);

        Refusal(() => trust.VerifyHead(again.Bytes.Span, Statements.Branch)).Should().Be(VerificationFailure.NotSigned);
        trust.VerifyHead(again.SignedAlsoBy(keys[1]).Bytes.Span, Statements.Branch).Sequence.Should().Be(7);
    }

    [Fact]
    public void Signatures_of_unknown_keys_are_ignored()
    {
        using var stranger = SigningKey.Generate();
        var envelope = stranger.Sign(Statements.Head()).SignedAlsoBy(_s.Release);

        _s.Trust.VerifyHead(envelope.Bytes.Span, Statements.Branch).Sequence.Should().Be(7);
    }

    [Fact]
    public void A_wrong_signature_beside_a_right_one_does_no_harm()
    {
        var good = _s.Release.Sign(Statements.Head());
        var bad = new EnvelopeSignature(_s.Release.Id, _s.Release.Sign("something else"u8));
        var envelope = Envelope.Create(good.SignedBytes.Span, [bad, .. good.Signatures]);

        _s.Trust.VerifyHead(envelope.Bytes.Span, Statements.Branch).Sequence.Should().Be(7);
    }

    [Theory]
    [InlineData("composition", new string[0], "is missing")]
    [InlineData("composition", new[] { "fleet" }, "with '/' at its end")]
    [InlineData("composition", new[] { "../" }, "with '/' at its end")]
    [InlineData("composition", new[] { "/" }, "with '/' at its end")]
    [InlineData("fleet", new[] { "fleet/" }, "unknown fields")]
    [InlineData("composition", new[] { "fleet/", "lab/x/" }, null)]
    public void Only_a_composition_role_names_branches_and_it_must(string role, string[] branches, string? reason)
    {
        using var key = SigningKey.Generate();
        var root = RootStatement.Of(key.Public, key.Public, 1, DateTimeOffset.UtcNow.AddYears(1)).With(role, key.Public);
        root = root with { Roles = root.Roles.ToDictionary(r => r.Key, r => r.Key == role ? r.Value with { Branches = branches } : r.Value) };
        var load = () => TrustRoot.Load(key.Sign(root).Bytes.Span);
        if (reason is null)
            load().MayCompose(BranchName.Parse("lab/x/y")).Should().BeTrue();
        else
            load.Should().Throw<Exception>().WithMessage($"*{reason}*");
    }

    [Fact]
    public void A_root_without_a_release_role_verifies_no_head()
    {
        var root = _s.Root() with { Roles = new Dictionary<string, Role> { [Role.Root] = new([_s.RootKey.Id], 1) } };
        var trust = TrustRoot.Load(_s.RootKey.Sign(root).Bytes.Span);

        Refusal(() => trust.VerifyHead(_s.Release.Sign(Statements.Head()).Bytes.Span, Statements.Branch))
            .Should().Be(VerificationFailure.UnknownRole);
    }

    [Fact]
    public void Roles_this_program_does_not_know_are_kept()
    {
        var root = _s.Root();
        root = root with { Roles = new Dictionary<string, Role>(root.Roles) { ["timestamp"] = new([_s.Release.Id], 1) } };

        TrustRoot.Load(_s.RootKey.Sign(root).Bytes.Span).Roles.Should().ContainKey("timestamp");
    }

    [Fact]
    public void Another_roots_head_is_refused()
    {
        using var other = new Statements();

        Refusal(() => _s.Trust.VerifyHead(other.Release.Sign(Statements.Head()).Bytes.Span, Statements.Branch))
            .Should().Be(VerificationFailure.NotSigned);
    }

    public void Dispose() => _s.Dispose();

    private static void Flips(byte[] bytes, Action<byte[]> verify)
    {
        verify(bytes);
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            var flipped = bytes.ToArray();
            flipped[bit / 8] ^= (byte)(1 << bit % 8);
            flipped.Invoking(verify).Should().Throw<VerificationException>($"bit {bit} is flipped");
        }
    }

    private static VerificationFailure Refusal(Action verify) => verify.Should().Throw<VerificationException>().Which.Failure;
}
