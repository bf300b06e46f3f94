using System.Globalization;
using System.Net;
using System.Text;
using ContentTree.Store;
using ContentTree.Store.Codecs;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Deploy.Neighbours;

/// <summary>What a request gets: a head, and of an object a part of its frame, which is made as it is sent.</summary>
internal sealed class NeighbourAnswer : IDisposable
{
    private readonly SafeFileHandle? _file;
    private readonly StoredFrame? _frame;

    private NeighbourAnswer(HttpStatusCode status, long length, string headers)
    {
        (Status, End) = (status, length);
        Headers = $"{headers}Content-Length: {length.ToString(CultureInfo.InvariantCulture)}\r\n";
    }

    private NeighbourAnswer(HttpStatusCode status, SafeFileHandle file, StoredFrame frame, long from, long end, string headers)
        : this(status, end - from, headers) => (_file, _frame, From, End) = (file, frame, from, end);

    public HttpStatusCode Status { get; }

    /// <summary>Where in the frame the body begins.</summary>
    public long From { get; }

    /// <summary>Where it ends.</summary>
    public long End { get; }

    private string Headers { get; }

    /// <summary>The request cannot be understood, so nothing after it can.</summary>
    public static NeighbourAnswer BadRequest() => Refusal(HttpStatusCode.BadRequest);

    /// <summary>The head is longer than any that a device sends.</summary>
    public static NeighbourAnswer TooLarge() => Refusal(HttpStatusCode.RequestHeaderFieldsTooLarge);

    public static NeighbourAnswer To(NeighbourRequest request, PublicObjects objects)
    {
        if (request.Method is not ("GET" or "HEAD"))
            return Refusal(HttpStatusCode.MethodNotAllowed, "Allow: GET, HEAD\r\n");
        return request.Object is { } name && objects.TryOpen(name) is { } file
            ? Of(request, name, file)
            : Refusal(HttpStatusCode.NotFound);
    }

    /// <summary>The answer's first bytes.</summary>
    public byte[] EncodeHead(bool keepsAlive) => Encoding.ASCII.GetBytes(
        $"HTTP/1.1 {(int)Status} {Status}\r\n{Headers}{(keepsAlive ? "" : "Connection: close\r\n")}\r\n");

    /// <summary>The frame's bytes from an offset on.</summary>
    /// <exception cref="EndOfStreamException">The file became shorter.</exception>
    public int Read(long offset, Span<byte> target) => _frame?.Read(offset, target) ?? 0;

    public void Dispose() => _file?.Dispose();

    private static NeighbourAnswer Refusal(HttpStatusCode status, string headers = "") => new(status, 0, headers + "Cache-Control: no-store\r\n");

    private static NeighbourAnswer Of(NeighbourRequest request, ObjectName name, SafeFileHandle file)
    {
        var subject = name.ToString();
        var frame = new StoredFrame(Posix.Stat(file, subject).Size, (offset, target) => Posix.ReadAt(file, offset, target, subject));
        // Of the frame, not of the object: a server's frame of the same object has other bytes.
        var tag = $"\"{name.Id}-stored\"";
        var headers = $"ETag: {tag}\r\nAccept-Ranges: bytes\r\nContent-Type: application/octet-stream\r\nCache-Control: public, max-age=31536000, immutable\r\n";
        // Whoever does not say which frame it has the beginning of may have that of another.
        if (request.Range is not { } range || request.IfRange != tag)
            return new NeighbourAnswer(HttpStatusCode.OK, file, frame, 0, frame.Length, headers);
        if (range.From < frame.Length)
        {
            var last = Math.Min(range.To ?? long.MaxValue, frame.Length - 1);
            return new NeighbourAnswer(HttpStatusCode.PartialContent, file, frame, range.From, last + 1,
                string.Create(CultureInfo.InvariantCulture, $"{headers}Content-Range: bytes {range.From}-{last}/{frame.Length}\r\n"));
        }
        file.Dispose();
        return Refusal(HttpStatusCode.RequestedRangeNotSatisfiable, string.Create(CultureInfo.InvariantCulture, $"Content-Range: bytes */{frame.Length}\r\n"));
    }
}
