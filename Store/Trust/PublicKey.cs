using System.Security.Cryptography;

namespace ContentTree.Store.Trust;

/// <summary>An ECDSA P-256 public key. One key has one spelling (named curve, uncompressed point), so one <see cref="Id"/>.</summary>
public sealed class PublicKey
{
    private const string PemLabel = "PUBLIC KEY";

    /// <summary>Before the point's two coordinates in the SubjectPublicKeyInfo of every P-256 key.</summary>
    private static ReadOnlySpan<byte> Prefix =>
    [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
        0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
    ];

    private const int CoordinateBytes = 64;

    private readonly byte[] _der;

    /// <exception cref="FormatException">Not a P-256 key in that spelling, or its point is not on the curve.</exception>
    internal PublicKey(byte[] subjectPublicKeyInfo)
    {
        if (subjectPublicKeyInfo.Length != Prefix.Length + CoordinateBytes || !subjectPublicKeyInfo.AsSpan().StartsWith(Prefix))
            throw new FormatException("not an ECDSA P-256 public key with an uncompressed point");
        _der = subjectPublicKeyInfo;
        Id = KeyId.Of(_der);
        Fingerprint = Objects.ObjectId.Of(_der);
        using var _ = Import();
    }

    /// <summary>Names the key.</summary>
    public KeyId Id { get; }

    /// <summary>The SHA-256 of its DER, of which the id is the beginning.</summary>
    public Objects.ObjectId Fingerprint { get; }

    /// <summary>The key as PEM text, without a newline at its end.</summary>
    public string Pem => PemEncoding.WriteString(PemLabel, _der);

    /// <param name="pem">Text with one PEM "PUBLIC KEY".</param>
    /// <exception cref="FormatException">No such key in it.</exception>
    public static PublicKey Parse(string pem)
    {
        if (!PemEncoding.TryFind(pem, out var fields) || pem[fields.Label] != PemLabel)
            throw new FormatException("no PEM public key");
        return new PublicKey(Convert.FromBase64String(pem[fields.Base64Data]));
    }

    /// <summary>Whether the signature (DER, over SHA-256) of these bytes was made with this key.</summary>
    public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        // One instance per check: the base library does not promise that an instance may be shared by threads.
        using var key = Import();
        return key.VerifyData(data, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
    }

    private ECDsa Import()
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportSubjectPublicKeyInfo(_der, out _);
            return key;
        }
        catch (CryptographicException e)
        {
            key.Dispose();
            throw new FormatException("not an ECDSA P-256 public key: its point is not on the curve", e);
        }
    }
}
