using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Tests.Protocol;

public sealed class RequestSignatureTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 11, 21, 3, 45, 0, TimeSpan.Zero);
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(5);

    private readonly SigningKey _key = SigningKey.Generate();

    [Fact]
    public void A_signed_request_is_recognised()
    {
        var signature = Parsed(Sign().ToString());

        signature.Device.Should().Be(_key.Id);
        signature.Time.Should().Be(Now.ToUnixTimeSeconds());
        signature.Nonce.Should().MatchRegex("^[0-9a-f]{16}$");
        Check(signature).Should().Be(RequestSignatureCheck.Valid);
    }

    [Fact]
    public void What_is_signed_is_the_documented_text()
    {
        var parts = Sign().ToString().Split('"');
        var (time, nonce, sig) = (parts[3], parts[5], Convert.FromBase64String(parts[7]));
        var hash = Convert.ToHexStringLower(SHA256.HashData("body"u8));
        var text = Encoding.UTF8.GetBytes($"CTREE1\nPOST\n/api/v1/poll?x=1\n{time}\n{nonce}\n{hash}\n");

        _key.Public.Verify(text, sig).Should().BeTrue();
    }

    [Fact]
    public void Nonces_differ() => Sign().Nonce.Should().NotBe(Sign().Nonce);

    [Theory]
    [InlineData("GET", "/api/v1/poll?x=1", "body")]
    [InlineData("POST", "/api/v1/report", "body")]
    [InlineData("POST", "/api/v1/poll?x=2", "body")]
    [InlineData("POST", "/api/v1/poll?x=1", "Body")]
    [InlineData("POST", "/api/v1/poll?x=1", "")]
    public void Another_request_is_not_signed(string method, string path, string body) =>
        Sign().Check(_key.Public, method, path, Encoding.UTF8.GetBytes(body), Now, Skew).Should().Be(RequestSignatureCheck.WrongSignature);

    [Theory]
    [InlineData(1, "device")]
    [InlineData(3, "time")]
    [InlineData(5, "nonce")]
    [InlineData(7, "sig")]
    public void A_changed_part_of_the_header_is_noticed(int part, string name)
    {
        var parts = Sign().ToString().Split('"');
        parts[part - 1].Should().EndWith($"{name}=");
        parts[part] = name switch
        {
            "device" => "0123456789abcdef",
            "time" => (long.Parse(parts[part], CultureInfo.InvariantCulture) + 1).ToString(CultureInfo.InvariantCulture),
            "nonce" => "0123456789abcdef",
            _ => Convert.ToBase64String(_key.Sign("something else"u8)),
        };

        Check(Parsed(string.Join('"', parts))).Should().Be(RequestSignatureCheck.WrongSignature);
    }

    [Fact]
    public void Another_devices_key_does_not_fit()
    {
        using var other = SigningKey.Generate();

        Sign().Check(other.Public, "POST", "/api/v1/poll?x=1", "body"u8, Now, Skew).Should().Be(RequestSignatureCheck.WrongSignature);
    }

    [Theory]
    [InlineData(300, RequestSignatureCheck.Valid)]
    [InlineData(-300, RequestSignatureCheck.Valid)]
    [InlineData(301, RequestSignatureCheck.WrongTime)]
    [InlineData(-301, RequestSignatureCheck.WrongTime)]
    [InlineData(-1_000_000_000, RequestSignatureCheck.WrongTime)]
    public void The_time_must_be_near(int secondsLater, RequestSignatureCheck expected) =>
        Sign().Check(_key.Public, "POST", "/api/v1/poll?x=1", "body"u8, Now.AddSeconds(secondsLater), Skew).Should().Be(expected);

    [Fact]
    public void Only_the_exact_form_of_the_header_is_read()
    {
        var good = Sign().ToString();
        string?[] wrong =
        [
            null, "", "Bearer abc", "CTree", good + " ", " " + good, good.Replace("CTree", "ctree", StringComparison.Ordinal),
            good.Replace(", ", ",", StringComparison.Ordinal), good.Replace("time=\"", "time=\"+", StringComparison.Ordinal),
            good.Replace("time=\"", "time=\"-", StringComparison.Ordinal), good.Replace("nonce=\"", "nonce=\"0", StringComparison.Ordinal),
            good.Replace("sig=\"", "sig=\"*", StringComparison.Ordinal), good.Replace("time=\"", "time=\"99999999999999999999", StringComparison.Ordinal),
            good.Replace("sig=\"", "sig=\"" + new string('A', 512), StringComparison.Ordinal), good + ", sig=\"\"",
        ];

        RequestSignature.TryParse(good, out _).Should().BeTrue();
        foreach (var header in wrong)
            RequestSignature.TryParse(header, out _).Should().BeFalse(header);
    }

    [Fact]
    public void The_largest_time_is_far_away_and_no_overflow()
    {
        var header = Sign().ToString().Replace($"time=\"{Now.ToUnixTimeSeconds()}\"", $"time=\"{long.MaxValue}\"", StringComparison.Ordinal);

        Check(Parsed(header)).Should().Be(RequestSignatureCheck.WrongSignature);
    }

    public void Dispose() => _key.Dispose();

    private RequestSignature Sign() => RequestSignature.Create(_key, "POST", "/api/v1/poll?x=1", "body"u8, Now);

    private RequestSignatureCheck Check(RequestSignature signature) =>
        signature.Check(_key.Public, "POST", "/api/v1/poll?x=1", "body"u8, Now, Skew);

    private static RequestSignature Parsed(string header) =>
        RequestSignature.TryParse(header, out var signature) ? signature : throw new FormatException(header);
}
