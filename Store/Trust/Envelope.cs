using ContentTree.Store.Json;
using ContentTree.Store.Objects;
using static ContentTree.Store.Json.JsonValue;

namespace ContentTree.Store.Trust;

/// <summary>
/// <c>{"signatures":[{"keyid":…,"sig":…}],"signed":{…}}</c> in canonical JSON. Nothing in it is trusted yet;
/// <see cref="TrustRoot"/> turns it into a proof. What is verified and what is read are the same bytes of one buffer.
/// </summary>
public sealed class Envelope
{
    /// <summary>The longest envelope anyone reads.</summary>
    public const int MaxBytes = 64 << 10;

    /// <summary>Signatures in one envelope, at most: each costs a device a verification.</summary>
    public const int MaxSignatures = 16;

    private readonly byte[] _bytes;
    private readonly int _signedLength;

    private Envelope(byte[] bytes, JsonValue signed, IReadOnlyList<EnvelopeSignature> signatures)
    {
        _bytes = bytes;
        _signedLength = CanonicalJson.Encode(signed).Length;
        Payload = signed;
        Signatures = signatures;
    }

    /// <summary>The whole envelope: what is stored and sent.</summary>
    public ReadOnlyMemory<byte> Bytes => _bytes;

    /// <summary>The exact bytes that are signed. "signed" is the last key, so they end before the closing brace.</summary>
    public ReadOnlyMemory<byte> SignedBytes => _bytes.AsMemory(_bytes.Length - 1 - _signedLength, _signedLength);

    /// <summary>The signatures as they stand there; none is verified.</summary>
    public IReadOnlyList<EnvelopeSignature> Signatures { get; }

    /// <summary>The SHA-256 of the whole envelope.</summary>
    public ObjectId Id => ObjectId.Of(_bytes);

    internal JsonValue Payload { get; }

    /// <summary>Reads an envelope without trusting it.</summary>
    /// <exception cref="VerificationException">Not a canonical envelope.</exception>
    public static Envelope Parse(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return Decode(bytes.ToArray());
        }
        catch (FormatException e)
        {
            throw new VerificationException("envelope", VerificationFailure.Malformed, e.Message);
        }
    }

    /// <summary>Whether it says anything that this program knows; whoever signs what he cannot read signs everything.</summary>
    /// <exception cref="VerificationException">It is no statement of a known kind.</exception>
    public void RequireStatement()
    {
        try
        {
            Statement.Decode(Payload);
        }
        catch (FormatException e)
        {
            throw new VerificationException("envelope", VerificationFailure.Malformed, e.Message);
        }
    }

    /// <summary>An envelope around bytes that were signed elsewhere.</summary>
    /// <param name="signedBytes">A statement's canonical bytes (<see cref="Statement.Encode"/>).</param>
    /// <param name="signatures">Signatures of exactly these bytes.</param>
    /// <exception cref="FormatException">Not canonical JSON, or outside the limits.</exception>
    public static Envelope Create(ReadOnlySpan<byte> signedBytes, IReadOnlyList<EnvelopeSignature> signatures)
    {
        var json = ObjectOf(
            ("signatures", ListOf(signatures, s => ObjectOf(
                ("keyid", s.KeyId.ToString()), ("sig", Convert.ToBase64String(s.Der.Span))))),
            ("signed", CanonicalJson.Decode(signedBytes, MaxBytes)));
        return Decode(CanonicalJson.Encode(json));
    }

    /// <summary>The same statement with one more signature.</summary>
    public Envelope SignedAlsoBy(SigningKey key) =>
        Create(SignedBytes.Span, [.. Signatures, new EnvelopeSignature(key.Id, key.Sign(SignedBytes.Span))]);

    internal static Envelope Decode(byte[] bytes)
    {
        var fields = new JsonFields(CanonicalJson.Decode(bytes, MaxBytes), "envelope");
        var signatures = fields.List("signatures", MaxSignatures, SignatureFromJson);
        var signed = fields.Any("signed");
        fields.End();
        return signed is JsonValue.Object
            ? new Envelope(bytes, signed, signatures)
            : throw new FormatException("envelope.signed is not an object");
    }

    private static EnvelopeSignature SignatureFromJson(JsonValue value, string where)
    {
        var fields = new JsonFields(value, where);
        var signature = new EnvelopeSignature(
            fields.Parsed<KeyId>("keyid", KeyId.TryParse, "a key id"), fields.Parsed<byte[]>("sig", TryFromBase64, "base64"));
        fields.End();
        return signature;
    }

    private static bool TryFromBase64(string text, out byte[] bytes)
    {
        bytes = new byte[text.Length];
        var ok = Convert.TryFromBase64String(text, bytes, out var length);
        bytes = bytes[..length];
        // The decoder lets white space and stray bits pass; only one spelling is ours.
        return ok && Convert.ToBase64String(bytes) == text;
    }
}
