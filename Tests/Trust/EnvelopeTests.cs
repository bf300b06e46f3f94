using System.Text;
using ContentTree.Store.Trust;

namespace ContentTree.Tests.Trust;

public sealed class EnvelopeTests : IDisposable
{
    private readonly Statements _s = new();

    [Fact]
    public void The_signed_bytes_are_a_slice_of_the_file()
    {
        var envelope = _s.Release.Sign(Statements.Head());

        envelope.SignedBytes.ToArray().Should().Equal(Statements.Head().Encode());
        Encoding.UTF8.GetString(envelope.Bytes.Span).Should()
            .EndWith($"\"signed\":{Encoding.UTF8.GetString(envelope.SignedBytes.Span)}}}");
    }

    [Fact]
    public void An_envelope_comes_back_from_its_bytes()
    {
        var envelope = _s.Release.Sign(Statements.Head()).SignedAlsoBy(_s.RootKey);

        var parsed = Envelope.Parse(envelope.Bytes.Span);

        parsed.Id.Should().Be(envelope.Id);
        parsed.Signatures.Select(s => s.KeyId).Should().Equal(_s.Release.Id, _s.RootKey.Id);
        parsed.SignedBytes.ToArray().Should().Equal(envelope.SignedBytes.ToArray());
    }

    [Fact]
    public void Changing_the_callers_buffer_afterwards_changes_nothing()
    {
        var bytes = _s.Release.Sign(Statements.Head()).Bytes.ToArray();
        var head = _s.Trust.VerifyHead(bytes, Statements.Branch);
        var id = head.Id;

        Array.Fill(bytes, (byte)'x');

        head.Envelope.Id.Should().Be(id);
        _s.Trust.VerifyHead(head.Envelope.Bytes.Span, Statements.Branch).Sequence.Should().Be(7);
    }

    [Fact]
    public void More_signatures_than_anyone_checks_are_not_written()
    {
        var signature = new EnvelopeSignature(_s.Release.Id, _s.Release.Sign(Statements.Head().Encode()));
        var create = () => Envelope.Create(Statements.Head().Encode(), [.. Enumerable.Repeat(signature, Envelope.MaxSignatures + 1)]);

        create.Should().Throw<FormatException>().WithMessage("envelope.signatures has 17 items, more than 16");
    }

    [Fact]
    public void What_a_reader_would_refuse_is_not_signed()
    {
        Statement[] wrong =
        [
            Statements.Head() with { Sequence = 0 },
            Statements.Head() with { Expires = Statements.Created },
            Statements.Head() with { Branch = default },
            _s.Root() with { Version = 0 },
            _s.Root() with { Roles = new Dictionary<string, Role>() },
            _s.Root() with { Keys = new Dictionary<KeyId, PublicKey>() },
        ];

        foreach (var statement in wrong)
            statement.Invoking(s => _s.RootKey.Sign(s)).Should().Throw<FormatException>();
    }

    [Fact]
    public void Random_damage_never_ends_in_another_exception()
    {
        var good = _s.Release.Sign(Statements.Head()).Bytes.ToArray();
        var random = new Random(1);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = good.ToArray();
            for (var n = random.Next(1, 4); n > 0; n--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            var verify = () => _s.Trust.VerifyHead(bytes, Statements.Branch);
            if (!bytes.AsSpan().SequenceEqual(good))
                verify.Should().Throw<VerificationException>();
        }
    }

    public void Dispose() => _s.Dispose();
}
