using System.Net;
using System.Net.Http.Headers;
using ContentTree.Store;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Deploy.Transfer;

/// <summary>Answers requests from a directory, a mounted stick perhaps, as a web server would: files, ranges, ETags, 404.</summary>
internal sealed class DirectoryHandler : HttpMessageHandler
{
    private const int MaxPiece = 256 * 1024;

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return Task.FromResult(Answer(request));
        }
        catch (IOException e)
        {
            return Task.FromException<HttpResponseMessage>(new HttpRequestException(e.Message, e));
        }
    }

    private static HttpResponseMessage Answer(HttpRequestMessage request)
    {
        var path = request.RequestUri!.LocalPath;
        if (request.Method != HttpMethod.Get || !File.Exists(path))
            return new HttpResponseMessage(HttpStatusCode.NotFound) { Content = new ByteArrayContent([]) };
        var file = Posix.OpenForReading(path);
        var stat = Posix.Stat(file, path);
        if (stat.Type != FileType.Regular)
        {
            file.Dispose();
            return new HttpResponseMessage(HttpStatusCode.NotFound) { Content = new ByteArrayContent([]) };
        }
        var tag = new EntityTagHeaderValue($"\"{stat.Inode:x}-{stat.Size:x}-{File.GetLastWriteTimeUtc(path).Ticks:x}\"");
        var answer = Answer(file, stat.Size, Wanted(request, tag));
        answer.Headers.ETag = tag;
        return answer;
    }

    private static HttpResponseMessage Answer(SafeFileHandle file, long size, RangeItemHeaderValue? range)
    {
        var from = range?.From ?? 0;
        if (range is null || (range.To is null && from < size))
            return Whole(new FileStream(file, FileAccess.Read, 0), from, size, range is null ? HttpStatusCode.OK : HttpStatusCode.PartialContent);
        using (file)
        {
            if (from < size)
                return Piece(file, from, Math.Min(range.To!.Value, size - 1), size);
            var none = new HttpResponseMessage(HttpStatusCode.RequestedRangeNotSatisfiable) { Content = new ByteArrayContent([]) };
            none.Content.Headers.ContentRange = new ContentRangeHeaderValue(size);
            return none;
        }
    }

    private static HttpResponseMessage Whole(FileStream stream, long from, long size, HttpStatusCode status)
    {
        stream.Position = from;
        var content = new StreamContent(stream);
        if (status == HttpStatusCode.PartialContent)
            content.Headers.ContentRange = new ContentRangeHeaderValue(from, size - 1, size);
        return new HttpResponseMessage(status) { Content = content };
    }

    // A server may answer with less than was asked for; this one does not want it all in memory.
    private static HttpResponseMessage Piece(SafeFileHandle file, long from, long to, long size)
    {
        var bytes = new byte[Math.Min(to - from + 1, MaxPiece)];
        var count = Posix.ReadAt(file, from, bytes, "mirror");
        var content = new ByteArrayContent(bytes, 0, count);
        content.Headers.ContentRange = new ContentRangeHeaderValue(from, from + count - 1, size);
        return new HttpResponseMessage(HttpStatusCode.PartialContent) { Content = content };
    }

    // Only the range that we ask for ourselves: one, with a start.
    private static RangeItemHeaderValue? Wanted(HttpRequestMessage request, EntityTagHeaderValue tag) =>
        request.Headers.IfRange is { EntityTag: { } known } && !known.Equals(tag) ? null : request.Headers.Range?.Ranges.Single();
}
