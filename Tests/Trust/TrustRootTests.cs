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

        head.Sequence.Should().Be(7);
        head.Commit.Should().Be(Statements.Commit);
        head.Id.Should().Be(ObjectId.Of(envelope.Bytes.Span));
    }

    public void Dispose() => _s.Dispose();
}
