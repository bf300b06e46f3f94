using System.Text;

namespace ContentTree.Deploy.Http;

/// <summary>The head of a request, read strictly: what can be understood in two ways is none.</summary>
/// <param name="Method">As it was sent.</param>
/// <param name="Path">As it was sent: nothing is decoded, so nothing has a second name.</param>
/// <param name="IsVersion11">HTTP/1.1, and not 1.0.</param>
/// <param name="Headers">Each once, by name.</param>
internal sealed record RequestHead(string Method, string Path, bool IsVersion11, IReadOnlyDictionary<string, string> Headers)
{
    private const string Version10 = "HTTP/1.0";
    private const string Version11 = "HTTP/1.1";

    /// <summary>Reads a head: request line and header lines with their line ends, without the empty line.</summary>
    /// <returns>Null when it is no HTTP.</returns>
    public static RequestHead? TryParse(ReadOnlySpan<byte> head)
    {
        var text = Encoding.Latin1.GetString(head);
        if (text.Replace("\r\n", "", StringComparison.Ordinal).Any(c => c is < ' ' and not '\t' or > '~'))
            return null;
        var lines = text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        return lines.Length > 0 && lines[0].Split(' ') is [var method, ['/', ..] and var path, Version10 or Version11] && TryHeaders(lines.AsSpan(1)) is { } headers
            ? new RequestHead(method, path, lines[0].EndsWith(Version11, StringComparison.Ordinal), headers)
            : null;
    }

    public string? Header(string name) => Headers.TryGetValue(name, out var value) ? value : null;

    // A header twice is a quarrel about which one counts, and one on two lines an old trick.
    private static Dictionary<string, string>? TryHeaders(ReadOnlySpan<string> lines)
    {
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var line in lines)
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0 || line.AsSpan(0, colon).ContainsAny(' ', '\t') || !headers.TryAdd(line[..colon], line[(colon + 1)..].Trim()))
                return null;
        }
        return headers;
    }
}
