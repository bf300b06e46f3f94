using System.Globalization;
using ContentTree.Deploy.Http;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Neighbours;

/// <summary>What a neighbour asks, as far as it matters here: one object, all of it or a range.</summary>
/// <param name="Method">As it was sent.</param>
/// <param name="Path">As it was sent: nothing is decoded, so no object has a second name.</param>
internal sealed record NeighbourRequest(string Method, string Path)
{
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
        if (RequestHead.TryParse(head) is not { Headers: var headers } request)
            return null;
        if (headers.ContainsKey("Transfer-Encoding") || request.Header("Content-Length") is not (null or "0"))
            return null;
        return new NeighbourRequest(request.Method, request.Path)
        {
            Range = headers.TryGetValue("Range", out var range) ? TryRange(range) : null,
            IfRange = request.Header("If-Range"),
            KeepsAlive = request.IsVersion11 && !string.Equals(request.Header("Connection"), "close", StringComparison.OrdinalIgnoreCase),
        };
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
