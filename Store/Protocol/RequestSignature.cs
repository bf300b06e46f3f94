using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ContentTree.Store.Trust;

namespace ContentTree.Store.Protocol;

/// <summary>
/// A device's signature of one HTTP request, as it stands in the Authorization header:
/// <c>CTree device="(id)", time="(unix)", nonce="(16 hex)", sig="(base64)"</c>. It covers method, path, time, nonce and body.
/// </summary>
public sealed class RequestSignature
{
    /// <summary>The scheme word of the header.</summary>
    public const string Scheme = "CTree";

    /// <summary>The longest header value anyone reads.</summary>
    public const int MaxLength = 512;

    private readonly byte[] _der;

    private RequestSignature(KeyId device, long time, string nonce, byte[] der)
    {
        Device = device;
        Time = time;
        Nonce = nonce;
        _der = der;
    }

    /// <summary>The device that says it signed.</summary>
    public KeyId Device { get; }

    /// <summary>When it says it signed, in Unix seconds.</summary>
    public long Time { get; }

    /// <summary>16 hex digits; device and nonce are used once while the time is within the allowed skew.</summary>
    public string Nonce { get; }

    /// <summary>Signs a request.</summary>
    /// <param name="key">The device key.</param>
    /// <param name="method">The HTTP method in capitals.</param>
    /// <param name="path">Path and query, exactly as they are sent.</param>
    /// <param name="body">The body as sent; empty if there is none.</param>
    /// <param name="time">Now, or the server's time on a device without a clock.</param>
    public static RequestSignature Create(SigningKey key, string method, string path, ReadOnlySpan<byte> body, DateTimeOffset time)
    {
        var seconds = time.ToUnixTimeSeconds();
        var nonce = RandomNumberGenerator.GetHexString(16, lowercase: true);
        return new RequestSignature(key.Id, seconds, nonce, key.Sign(Text(method, path, seconds, nonce, SHA256.HashData(body))));
    }

    /// <summary>Reads an Authorization header's value; nothing is checked yet.</summary>
    public static bool TryParse(string? header, [NotNullWhen(true)] out RequestSignature? signature)
    {
        signature = null;
        if (header is null || header.Length > MaxLength || header.Split('"') is not
            ["CTree device=", var device, ", time=", var time, ", nonce=", var nonce, ", sig=", var sig, ""])
        {
            return false;
        }
        Span<byte> der = stackalloc byte[MaxLength];
        if (!KeyId.TryParse(device, out var id) || !KeyId.TryParse(nonce, out _) ||
            !long.TryParse(time, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ||
            !Convert.TryFromBase64String(sig, der, out var length))
        {
            return false;
        }
        signature = new RequestSignature(id, seconds, nonce, der[..length].ToArray());
        return true;
    }

    /// <summary>Checks the signature against the request as it arrived.</summary>
    /// <param name="key">The key of the device that <see cref="Device"/> names.</param>
    /// <param name="method">The HTTP method in capitals.</param>
    /// <param name="path">Path and query, exactly as they were sent.</param>
    /// <param name="body">The whole body.</param>
    /// <param name="now">The server's time.</param>
    /// <param name="skew">How far the signing time may be from it, either way.</param>
    /// <remarks>That a nonce is used once is the server's to remember.</remarks>
    public RequestSignatureCheck Check(
        PublicKey key, string method, string path, ReadOnlySpan<byte> body, DateTimeOffset now, TimeSpan skew)
    {
        // The signature first: only its holder learns anything from the answer about the clock.
        if (key.Id != Device || !key.Verify(Text(method, path, Time, Nonce, SHA256.HashData(body)), _der))
            return RequestSignatureCheck.WrongSignature;
        var away = Math.Abs((decimal)now.ToUnixTimeSeconds() - Time);
        return away <= (decimal)skew.TotalSeconds ? RequestSignatureCheck.Valid : RequestSignatureCheck.WrongTime;
    }

    /// <summary>The header's value.</summary>
    public override string ToString() =>
        $"{Scheme} device=\"{Device}\", time=\"{Time}\", nonce=\"{Nonce}\", sig=\"{Convert.ToBase64String(_der)}\"";

    private static byte[] Text(string method, string path, long time, string nonce, ReadOnlySpan<byte> bodyHash) =>
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $"CTREE1\n{method}\n{path}\n{time}\n{nonce}\n{Convert.ToHexStringLower(bodyHash)}\n"));
}
