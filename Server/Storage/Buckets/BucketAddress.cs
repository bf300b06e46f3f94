using System.Text.RegularExpressions;

namespace ContentTree.Server.Storage.Buckets;

/// <summary>
/// Where an S3-compatible bucket is: <c>s3://BUCKET/PREFIX?endpoint=https://HOST:PORT&amp;region=NAME&amp;credentials=FILE</c>. Prefix and options may be
/// left out: then it is Amazon's, and the keys are those of the environment, of <c>~/.aws/credentials</c> or of the machine's role.
/// </summary>
internal sealed partial class BucketAddress
{
    private const string Scheme = "s3://";
    private const string DefaultRegion = "us-east-1";

    private BucketAddress()
    {
    }

    public string Bucket { get; private init; } = "";

    /// <summary>What the keys begin with; empty, or ends with a slash.</summary>
    public string Prefix { get; private init; } = "";

    /// <summary>Null for Amazon's own of the region.</summary>
    public Uri? Endpoint { get; private set; }

    public string Region { get; private set; } = DefaultRegion;

    /// <summary>A file in the form of <c>~/.aws/credentials</c>, or null.</summary>
    public string? CredentialsFile { get; private set; }

    /// <summary>All that says which bucket it is; no secret can be in it.</summary>
    public string Name => $"{Scheme}{Bucket}{(Prefix.Length > 0 ? "/" + Prefix.TrimEnd('/') : "")}{(Endpoint is { } at ? $"?endpoint={at.GetLeftPart(UriPartial.Authority)}" : "")}";

    /// <exception cref="FormatException">It cannot be used; the message says why.</exception>
    public static BucketAddress Parse(string text)
    {
        if (Form().Match(text) is not { Success: true } parts)
            throw new FormatException($"a bucket is {Scheme}BUCKET/PREFIX?endpoint=https://HOST");
        var prefix = parts.Groups["prefix"].Value.Trim('/');
        if (prefix.Split('/').Any(segment => segment is "." or ".."))
            throw new FormatException("a bucket's prefix has no '.' and no '..' in it");
        var address = new BucketAddress { Bucket = parts.Groups["bucket"].Value, Prefix = prefix.Length > 0 ? prefix + "/" : "" };
        foreach (var option in parts.Groups["options"].Value.Split('&', StringSplitOptions.RemoveEmptyEntries))
            address.Take(option);
        return address;
    }

    [GeneratedRegex(@"^s3://(?<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(/(?<prefix>[A-Za-z0-9._/-]*))?(\?(?<options>[^#\s]*))?$", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex Form();

    private void Take(string option)
    {
        switch (option.Split('=', 2))
        {
            case ["endpoint", var value] when Uri.TryCreate(Uri.UnescapeDataString(value), UriKind.Absolute, out var endpoint) && IsUsable(endpoint):
                Endpoint = endpoint;
                break;
            case ["region", var value] when value.Length > 0 && value.All(c => char.IsAsciiLetterOrDigit(c) || c == '-'):
                Region = value;
                break;
            case ["credentials", var value] when Uri.UnescapeDataString(value) is ['/', ..] file:
                CredentialsFile = file;
                break;
            case ["endpoint", ..]:
                throw new FormatException("a bucket's endpoint is https://HOST:PORT; http:// only with this machine's address or one of a private network");
            case [var name, ..]:
                throw new FormatException($"'{name}' of a bucket is endpoint, region (letters, digits, '-') or credentials (an absolute path)");
        }
    }

    // Objects are checked by their hashes, but whoever listens could use the requests' signatures for as long as they hold.
    private static bool IsUsable(Uri endpoint) => endpoint is { PathAndQuery: "/", Fragment: "", UserInfo: "" } &&
        (endpoint.Scheme == Uri.UriSchemeHttps || (endpoint.Scheme == Uri.UriSchemeHttp && IsNear(endpoint)));

    // The machine itself, or a network that is nobody else's.
    private static bool IsNear(Uri endpoint) => endpoint.IsLoopback || (System.Net.IPAddress.TryParse(endpoint.Host, out var address) && IsPrivate(address));

    private static bool IsPrivate(System.Net.IPAddress address) => address.GetAddressBytes() is [10, ..] or [192, 168, ..] or [172, >= 16 and < 32, ..];
}
