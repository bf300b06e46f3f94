using System.Globalization;
using System.Text;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Neighbours;

/// <summary>What a neighbour asks, as far as it matters here: one object, all of it or a range.</summary>
/// <param name="Method">As it was sent.</param>
/// <param name="Path">As it was sent: nothing is decoded, so no object has a second name.</param>
internal sealed record NeighbourRequest(string Method, string Path)
{
    private const string Version10 = "HTTP/1.0";
    private const string Version11 = "HTTP/1.1";

    /// <summary>First and last byte wanted; the last is null for the end.</summary>
    public (long From, long? To)? Range { get; private init; }

    /// <summary>The range counts only for this frame.</summary>
    public string? IfRange { get; private init; }

    /// <summary>The sender has more to ask on this connection.</summary>
    public bool KeepsAlive { get; private init; }

    /// <summary>The object that the path names; null for every other path.</summary>
    public ObjectName? Object
    {
        get
        {
            var below = Path.AsSpan(Math.Min(Path.Length, Routes.Repository.Length + "/objects/".Length));
            return below.Length > 3 && ObjectName.TryParse(string.Concat(below[..2], below[3..]), out var name) && Routes.RepositoryObject(name) == Path
                ? name
                : null;
        }
    }

    /// <summary>Reads a head: request line and header lines with their line ends, without the empty line.</summary>
    /// <returns>Null when it is no HTTP, or brings a body.</returns>
    public static NeighbourRequest? TryParse(ReadOnlySpan<byte> head)
    {
        var text = Encoding.Latin1.GetString(head);
        if (text.Replace("\r\n", "", StringComparison.Ordinal).Any(c => c is < ' ' and not '\t' or > '~'))
            return null;
        var lines = text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length == 0 || lines[0].Split(' ') is not [var method, ['/', ..] and var path, Version10 or Version11] || TryHeaders(lines.AsSpan(1)) is not { } headers)
            return null;
        if (headers.ContainsKey("Transfer-Encoding") || headers.GetValueOrDefault("Content-Length", "0") != "0")
            return null;
        return new NeighbourRequest(method, path)
        {
            Range = headers.TryGetValue("Range", out var range) ? TryRange(range) : null,
            IfRange = headers.GetValueOrDefault("If-Range"),
            KeepsAlive = lines[0].EndsWith(Version11, StringComparison.Ordinal) &&
                !string.Equals(headers.GetValueOrDefault("Connection"), "close", StringComparison.OrdinalIgnoreCase),
        };
    }

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

    // Whatever else may be asked for is answered with the whole, as the standard allows.
    private static (long, long?)? TryRange(string text)
    {
        const string unit = "bytes=";
        if (!text.StartsWith(unit, StringComparison.Ordinal) || text[unit.Length..].Split('-') is not [var first, var last] || !TryNumber(first, out var from))
            return null;
        if (last.Length == 0)
            return (from, null);
        return TryNumber(last, out var to) && to >= from ? (from, to) : null;
    }

    private static bool TryNumber(string text, out long number) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
