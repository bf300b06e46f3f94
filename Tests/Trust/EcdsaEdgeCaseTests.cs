using System.Numerics;
using System.Security.Cryptography;
using ContentTree.Store.Trust;

namespace ContentTree.Tests.Trust;

/// <summary>
/// The kinds of false signatures and keys that Project Wycheproof collects for ECDSA P-256, made from a signature that is good: numbers out of
/// their range, other spellings of the same numbers, spoiled encodings, points elsewhere.
/// </summary>
public sealed class EcdsaEdgeCaseTests : IDisposable
{
    // SEC 2, 2.4.2: the order of secp256r1 and the prime of its field.
    private static readonly BigInteger N = Number("00ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    private static readonly BigInteger P = Number("00ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");

    private static readonly byte[] Message = "what is signed"u8.ToArray();

    private readonly SigningKey _key = SigningKey.Generate();
    private readonly BigInteger _r;
    private readonly BigInteger _s;

    public EcdsaEdgeCaseTests()
    {
        var der = _key.Sign(Message);
        _r = new BigInteger(der.AsSpan(4, der[3]), isBigEndian: true);
        _s = new BigInteger(der.AsSpan(6 + der[3], der[5 + der[3]]), isBigEndian: true);
        // The control: taken apart and put together it is good.
        Verify(Signature(_r, _s)).Should().BeTrue();
    }

    public static TheoryData<string> Numbers { get; } = new(
        "0 0", "0 1", "0 -1", "0 n", "0 n-1", "0 n+1", "0 p", "0 p+1", "1 0", "1 1", "1 -1", "1 n", "1 n-1", "1 n+1", "1 p", "-1 0", "-1 1", "-1 -1", "-1 n",
        "n 0", "n 1", "n -1", "n n", "n n-1", "n n+1", "n-1 0", "n-1 1", "n-1 n", "n-1 n-1", "n+1 0", "n+1 1", "n+1 n", "p 0", "p 1", "p p", "p+1 1",
        "r 0", "0 s", "r 1", "1 s", "r n", "n s", "r+n s", "r s+n", "r-n s", "r s-n", "-r s", "r -s", "-r -s", "r+2^256 s", "r s+2^256", "r+2^320 s", "n-r s",
        "s r", "r r", "s s", "r s+1", "r+1 s", "r s-1");

    public void Dispose() => _key.Dispose();

    [Theory]
    [MemberData(nameof(Numbers))]
    public void Numbers_out_of_their_range_or_other_ones_are_refused(string pair)
    {
        var (a, b) = (pair.Split(' ')[0], pair.Split(' ')[1]);
        Verify(Signature(Value(a), Value(b))).Should().BeFalse(pair);
    }

    [Fact]
    public void The_other_root_is_a_signature_too() => Verify(Signature(_r, N - _s)).Should().BeTrue("ECDSA has two; nothing here counts on there being one");

    [Fact]
    public void Every_other_encoding_of_the_same_numbers_is_refused()
    {
        var (r, s) = (Integer(_r), Integer(_s));
        byte[] body = [.. r, .. s];
        var spoiled = new Dictionary<string, byte[]>
        {
            ["nothing"] = [],
            ["the bare numbers"] = [.. Fixed(_r), .. Fixed(_s)],
            ["one byte after it"] = [.. Sequence(body), 0],
            ["NULL after it"] = [.. Sequence(body), 5, 0],
            ["NULL in it"] = Sequence([.. body, 5, 0]),
            ["NULL before it"] = Sequence([5, 0, .. body]),
            ["a third number"] = Sequence([.. body, .. s]),
            ["one number"] = Sequence(r),
            ["no number"] = Sequence([]),
            ["a long length"] = [0x30, 0x81, (byte)body.Length, .. body],
            ["a longer length"] = [0x30, 0x82, 0, (byte)body.Length, .. body],
            ["an endless length"] = [0x30, 0x80, .. body, 0, 0],
            ["a length of 2^31"] = [0x30, 0x84, 0x80, 0, 0, 0, .. body],
            ["a length of 2^64"] = [0x30, 0x89, 1, 0, 0, 0, 0, 0, 0, 0, 0, .. body],
            ["a length that is one more"] = [0x30, (byte)(body.Length + 1), .. body],
            ["a length that is one less"] = [0x30, (byte)(body.Length - 1), .. body],
            ["a set"] = [0x31, .. Sequence(body)[1..]],
            ["a primitive sequence"] = [0x10, .. Sequence(body)[1..]],
            ["a sequence of it"] = Sequence(Sequence(body)),
            ["zeros before r"] = Sequence([2, (byte)(r[1] + 1), 0, .. r[2..], .. s]),
            ["zeros before s"] = Sequence([.. r, 2, (byte)(s[1] + 1), 0, .. s[2..]]),
            ["zeros behind r"] = Sequence([2, (byte)(r[1] + 1), .. r[2..], 0, .. s]),
            ["an empty r"] = Sequence([2, 0, .. s]),
            ["an empty s"] = Sequence([.. r, 2, 0]),
            ["r as an octet string"] = Sequence([4, .. r[1..], .. s]),
            ["s as a bit string"] = Sequence([.. r, 3, .. s[1..]]),
            ["r with a long length"] = Sequence([2, 0x81, r[1], .. r[2..], .. s]),
            ["s with a long length"] = Sequence([.. r, 2, 0x81, s[1], .. s[2..]]),
            ["r as a real number"] = Sequence([9, .. r[1..], .. s]),
            ["a huge r"] = Sequence([2, 0x82, 4, 0, .. new byte[1024], .. s]),
        };
        foreach (var (what, signature) in spoiled)
            Verify(signature).Should().BeFalse(what);
        var good = Sequence(body);
        for (var i = 0; i < good.Length; i++)
        {
            Verify(good[..i]).Should().BeFalse($"cut to {i} bytes");
            Verify([.. good[..i], (byte)(good[i] ^ 0x80), .. good[(i + 1)..]]).Should().BeFalse($"byte {i} flipped");
        }
        Verify(good).Should().BeTrue();
    }

    [Fact]
    public void Another_message_or_key_is_refused_also_when_the_message_is_empty()
    {
        var empty = _key.Sign([]);
        _key.Public.Verify([], empty).Should().BeTrue();
        _key.Public.Verify([0], empty).Should().BeFalse();
        _key.Public.Verify([], Signature(_r, _s)).Should().BeFalse();
        using var other = SigningKey.Generate();
        other.Public.Verify(Message, Signature(_r, _s)).Should().BeFalse();
    }

    [Theory]
    [InlineData("secp256k1")]
    [InlineData("secp384r1")]
    [InlineData("secp521r1")]
    [InlineData("brainpoolP256r1")]
    public void Keys_of_other_curves_are_refused(string curve)
    {
        using var key = ECDsa.Create(ECCurve.CreateFromFriendlyName(curve));
        var parse = () => PublicKey.Parse(key.ExportSubjectPublicKeyInfoPem());
        parse.Should().Throw<FormatException>();
    }

    [Fact]
    public void Points_elsewhere_and_other_spellings_of_the_key_are_refused()
    {
        var der = Convert.FromBase64String(string.Concat(_key.Public.Pem.Split('\n')[1..^1]));
        var (x, y) = (der[27..59], der[59..91]);
        byte[][] points =
        [
            [.. new byte[64]], [.. x, .. new byte[32]], [.. new byte[32], .. y], [.. y, .. x], [.. x, .. x],
            [.. x, .. y[..31], (byte)(y[31] ^ 1)], [.. Fixed(P), .. y], [.. x, .. Fixed(P)], [.. Enumerable.Repeat((byte)0xff, 64)],
            // The same point with a coordinate above the prime has no room in 32 bytes unless it is small; the next best is its negative.
            [.. x[..31], (byte)(x[31] ^ 1), .. y],
        ];
        foreach (var point in points)
            Refused([.. der[..27], .. point]);
        Refused(der[..^1]);
        Refused([.. der, 0]);
        Refused([.. der[..26], (byte)(2 + (y[31] & 1)), .. x]);
        Refused([.. der[..26], 0]);
        Refused([.. der[..10], 0x2b, .. der[11..]]);
    }

    private static void Refused(byte[] der)
    {
        var parse = () => PublicKey.Parse(PemEncoding.WriteString("PUBLIC KEY", der));
        parse.Should().Throw<FormatException>(Convert.ToHexString(der));
    }

    private bool Verify(byte[] signature) => _key.Public.Verify(Message, signature);

    private BigInteger Value(string text) => text switch
    {
        "n" => N,
        "n-1" => N - 1,
        "n+1" => N + 1,
        "p" => P,
        "p+1" => P + 1,
        "r" => _r,
        "s" => _s,
        "-r" => -_r,
        "-s" => -_s,
        "r+1" => _r + 1,
        "s+1" => _s + 1,
        "s-1" => _s - 1,
        "r+n" => _r + N,
        "s+n" => _s + N,
        "r-n" => _r - N,
        "s-n" => _s - N,
        "n-r" => N - _r,
        "r+2^256" => _r + BigInteger.Pow(2, 256),
        "s+2^256" => _s + BigInteger.Pow(2, 256),
        "r+2^320" => _r + BigInteger.Pow(2, 320),
        _ => BigInteger.Parse(text),
    };

    private static BigInteger Number(string hex) => BigInteger.Parse(hex, System.Globalization.NumberStyles.HexNumber);

    private static byte[] Signature(BigInteger r, BigInteger s) => Sequence([.. Integer(r), .. Integer(s)]);

    private static byte[] Sequence(byte[] body) => body.Length < 128 ? [0x30, (byte)body.Length, .. body] : [0x30, 0x82, (byte)(body.Length >> 8), (byte)body.Length, .. body];

    private static byte[] Integer(BigInteger value)
    {
        var bytes = value.ToByteArray(isBigEndian: true);
        return [2, (byte)bytes.Length, .. bytes];
    }

    private static byte[] Fixed(BigInteger value)
    {
        var bytes = value.ToByteArray(isUnsigned: true, isBigEndian: true);
        return [.. new byte[32 - bytes.Length], .. bytes];
    }
}
