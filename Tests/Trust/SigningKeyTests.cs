using System.Security.Cryptography;
using ContentTree.Store.Trust;

namespace ContentTree.Tests.Trust;

public sealed class SigningKeyTests
{
    [Fact]
    public void A_key_comes_back_from_its_text()
    {
        using var key = SigningKey.Generate();
        using var loaded = SigningKey.Parse(key.ToPem());

        loaded.Id.Should().Be(key.Id);
        key.Public.Verify("data"u8, loaded.Sign("data"u8)).Should().BeTrue();
        key.Public.Verify("date"u8, loaded.Sign("data"u8)).Should().BeFalse();
    }

    [Fact]
    public void Both_texts_that_openssl_writes_are_read()
    {
        using var ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var pkcs8 = SigningKey.Parse(ec.ExportPkcs8PrivateKeyPem());
        using var sec1 = SigningKey.Parse(ec.ExportECPrivateKeyPem());

        sec1.Id.Should().Be(pkcs8.Id);
    }

    [Fact]
    public void The_id_is_the_start_of_the_hash_of_the_der()
    {
        using var ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        PublicKey.Parse(ec.ExportSubjectPublicKeyInfoPem()).Id.ToString().Should()
            .Be(Convert.ToHexStringLower(SHA256.HashData(ec.ExportSubjectPublicKeyInfo()))[..16]);
    }

    [Fact]
    public void Other_texts_are_refused()
    {
        using var p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        string[] texts = ["", "nonsense", p256.ExportSubjectPublicKeyInfoPem(), p384.ExportPkcs8PrivateKeyPem()];

        foreach (var text in texts)
            text.Invoking(SigningKey.Parse).Should().Throw<FormatException>();
    }

    [Fact]
    public void A_private_key_is_no_public_key()
    {
        using var key = SigningKey.Generate();

        key.ToPem().Invoking(PublicKey.Parse).Should().Throw<FormatException>().WithMessage("no PEM public key");
    }

    [Theory]
    [InlineData("0123456789abcdef", true)]
    [InlineData("0123456789abcdeF", false)]
    [InlineData("0123456789abcde", false)]
    [InlineData("0123456789abcdef0", false)]
    [InlineData("0123456789abcdeg", false)]
    [InlineData(null, false)]
    public void A_key_id_is_16_lower_case_hex_digits(string? text, bool valid) => KeyId.TryParse(text, out _).Should().Be(valid);
}
