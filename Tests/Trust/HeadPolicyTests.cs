using ContentTree.Store.Objects;
using ContentTree.Store.Trust;

namespace ContentTree.Tests.Trust;

public sealed class HeadPolicyTests : IDisposable
{
    private static readonly TrustedTime InTime = new(Statements.Created.AddDays(1), DateTimeOffset.MinValue);

    private readonly Statements _s = new();

    [Fact]
    public void The_first_head_is_newer() => HeadPolicy.Accept(Verified(), seen: null, InTime).Should().Be(HeadOrder.Newer);

    [Theory]
    [InlineData(6, HeadOrder.Newer)]
    [InlineData(7, HeadOrder.Same)]
    [InlineData(8, HeadOrder.Older)]
    [InlineData(9007199254740991, HeadOrder.Older)]
    public void Sequences_decide_the_order(long seen, HeadOrder expected) =>
        HeadPolicy.Compare(new SeenHead(seen, Statements.Commit), Verified()).Should().Be(expected);

    [Fact]
    public void A_jump_ahead_is_newer() => HeadPolicy.Accept(
        Verified(Statements.Head() with { Sequence = 1_000_000 }), Verified().ToSeen(), InTime).Should().Be(HeadOrder.Newer);

    [Fact]
    public void A_renewed_head_of_the_same_commit_is_the_same() => HeadPolicy.Accept(
        Verified(Statements.Head() with { Expires = Statements.Created.AddYears(2) }), Verified().ToSeen(), InTime).Should().Be(HeadOrder.Same);

    [Fact]
    public void A_lower_sequence_is_refused() =>
        Refusal(Verified(), new SeenHead(8, Statements.Commit), InTime).Should().Be(VerificationFailure.RolledBack);

    [Fact]
    public void Another_commit_at_the_same_sequence_is_refused() =>
        Refusal(Verified(), new SeenHead(7, ObjectId.Of("other"u8)), InTime).Should().Be(VerificationFailure.Conflict);

    [Fact]
    public void A_head_ends_at_its_expiry_and_not_before()
    {
        var expires = Statements.Head().Expires;

        HeadPolicy.Accept(Verified(), null, new TrustedTime(expires.AddSeconds(-1), default)).Should().Be(HeadOrder.Newer);
        Refusal(Verified(), null, new TrustedTime(expires, default)).Should().Be(VerificationFailure.Expired);
    }

    [Fact]
    public void A_clock_in_1970_makes_no_head_valid_again()
    {
        var floor = Statements.Head().Expires;

        Refusal(Verified(), null, new TrustedTime(DateTimeOffset.UnixEpoch, floor)).Should().Be(VerificationFailure.Expired);
        HeadPolicy.Accept(Verified(), null, new TrustedTime(DateTimeOffset.UnixEpoch, Statements.Created)).Should().Be(HeadOrder.Newer);
    }

    [Fact]
    public void The_clock_counts_when_it_is_after_the_floor() =>
        new TrustedTime(TimeProvider.System, DateTimeOffset.UnixEpoch).Now.Should().BeAfter(Statements.Created.AddYears(-10));

    public void Dispose() => _s.Dispose();

    private VerifiedHead Verified(HeadStatement? head = null) =>
        _s.Trust.VerifyHead(_s.Release.Sign(head ?? Statements.Head()).Bytes.Span, Statements.Branch);

    private static VerificationFailure Refusal(VerifiedHead head, SeenHead? seen, TrustedTime time)
    {
        var accept = () => HeadPolicy.Accept(head, seen, time);
        return accept.Should().Throw<VerificationException>().Which.Failure;
    }
}
