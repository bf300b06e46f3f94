using System.Net;
using System.Net.Http.Headers;

namespace ContentTree.Deploy.Transfer;

/// <summary>Answers requests from a bundle as a web server that has its files would.</summary>
/// <param name="path">The bundle; requests are for paths below it.</param>
internal sealed class BundleHandler(string path) : HttpMessageHandler
{
    private readonly Lazy<BundleFile> _bundle = new(() => new BundleFile(path));

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return Task.FromResult(Answer(request));
        }
        // As a mirror it is one source of several, and one that is damaged is left for the next.
        catch (Exception e) when (e is IOException or StoppedException)
        {
            return Task.FromException<HttpResponseMessage>(new HttpRequestException(e.Message, e));
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && _bundle.IsValueCreated)
            _bundle.Value.Dispose();
        base.Dispose(disposing);
    }

    private HttpResponseMessage Answer(HttpRequestMessage request)
    {
        var asked = request.RequestUri!.LocalPath;
        var name = asked.Length > path.Length ? asked[(path.Length + 1)..] : "";
        if (request.Method != HttpMethod.Get || _bundle.Value.Find(name) is not var (start, length))
            return new HttpResponseMessage(HttpStatusCode.NotFound) { Content = new ByteArrayContent([]) };
        var range = request.Headers.Range?.Ranges.Single();
        var from = range?.From ?? 0;
        if (from >= length && range is not null)
            return Beyond(length);
        var to = Math.Min(range?.To ?? length - 1, length - 1);
        var content = new StreamContent(new FileSlice(_bundle.Value.Handle, start + from, to - from + 1));
        content.Headers.ContentLength = to - from + 1;
        if (range is not null)
            content.Headers.ContentRange = new ContentRangeHeaderValue(from, to, length);
        return new HttpResponseMessage(range is null ? HttpStatusCode.OK : HttpStatusCode.PartialContent) { Content = content };
    }

    private static HttpResponseMessage Beyond(long length)
    {
        var none = new HttpResponseMessage(HttpStatusCode.RequestedRangeNotSatisfiable) { Content = new ByteArrayContent([]) };
        none.Content.Headers.ContentRange = new ContentRangeHeaderValue(length);
        return none;
    }
}
