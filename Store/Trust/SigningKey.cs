using System.Security.Cryptography;

namespace ContentTree.Store.Trust;

/// <summary>An ECDSA P-256 private key. Not for use by two threads at once.</summary>
public sealed class SigningKey : IDisposable
{
    private readonly ECDsa _key;

    private SigningKey(ECDsa key)
    {
        _key = key;
        Public = new PublicKey(key.ExportSubjectPublicKeyInfo());
    }

    /// <summary>The public part.</summary>
    public PublicKey Public { get; }

    /// <summary>Names the key.</summary>
    public KeyId Id => Public.Id;

    /// <summary>Makes a new key.</summary>
    public static SigningKey Generate() => new(ECDsa.Create(ECCurve.NamedCurves.nistP256));

    /// <param name="pem">An unencrypted private key: PKCS#8 ("PRIVATE KEY") or what openssl calls "EC PRIVATE KEY".</param>
    /// <exception cref="FormatException">No such key in it.</exception>
    public static SigningKey Parse(string pem)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(pem);
            key.ExportECPrivateKey();
            return new SigningKey(key);
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException or FormatException or PlatformNotSupportedException)
        {
            key.Dispose();
            throw new FormatException("no PEM private key for ECDSA P-256", e);
        }
    }

    /// <summary>The private key as PKCS#8 PEM text. Whoever writes it to a file sees to its mode.</summary>
    public string ToPem() => _key.ExportPkcs8PrivateKeyPem() + "\n";

    /// <summary>Signs the SHA-256 of these bytes.</summary>
    /// <returns>The signature in DER.</returns>
    public byte[] Sign(ReadOnlySpan<byte> data) =>
        _key.SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);

    /// <summary>Signs a statement; more keys sign the result with <see cref="Envelope.SignedAlsoBy"/>.</summary>
    public Envelope Sign(Statement statement)
    {
        var signed = statement.Encode();
        return Envelope.Create(signed, [new EnvelopeSignature(Id, Sign(signed))]);
    }

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose();
}
