using System.Net;
using System.Net.Http.Headers;
using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Deploy.Transfer;

/// <summary>Reads a repository that any web server may serve. Nothing it hands out is trusted by where it came from.</summary>
internal sealed class RepositoryClient(Sources sources)
{
    public Sources Sources => sources;

    /// <summary>A small file of the server's, or null where there is none.</summary>
    public Task<byte[]?> TryGetFileAsync(string route, int maxBytes, CancellationToken cancellation) =>
        TryGetFileAsync(sources.Server, route, maxBytes, cancellation);

    /// <summary>A small file of one source, or null where there is none.</summary>
    /// <param name="source">Who is asked.</param>
    /// <param name="route">The file.</param>
    /// <param name="maxBytes">The longest that is read.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <param name="isUnlikely">Most sources do not have it, and hosts of plain files say so with 403 or with a page as well.</param>
    public static async Task<byte[]?> TryGetFileAsync(Source source, string route, int maxBytes, CancellationToken cancellation, bool isUnlikely = false)
    {
        var connection = source.Connection;
        using var request = new HttpRequestMessage(HttpMethod.Get, connection.Resolve(route));
        using var response = await connection.SendAsync(request, cancellation).ConfigureAwait(false);
        if (response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Gone || (isUnlikely && response.StatusCode == HttpStatusCode.Forbidden))
            return null;
        if (!response.IsSuccessStatusCode)
            throw new ServerUnreachableException($"{connection.Resolve(route)}: answered {(int)response.StatusCode} {response.ReasonPhrase}");
        var bytes = await connection.ReadAllAsync(response, maxBytes, cancellation).ConfigureAwait(false);
        if (isUnlikely && bytes is [(byte)'<', ..])
            return null;
        return bytes is not [(byte)'<', ..]
            ? bytes
            : throw new ServerUnreachableException($"{connection.Server}: answered with a web page; is there a network log-in page?") { IsNoNetwork = true };
    }

    /// <summary>An archived head of the server's, or null where there is none. Where the server cannot be asked, a stick or bundle at hand may have it.</summary>
    /// <param name="branch">Whose head.</param>
    /// <param name="sequence">Its position.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <param name="isUnlikely">It may well be missing, and hosts of plain files say so with 403 or with a page as well.</param>
    public async Task<byte[]?> TryGetArchivedHeadAsync(BranchName branch, long sequence, CancellationToken cancellation, bool isUnlikely = false)
    {
        var route = Routes.ArchivedHead(branch, sequence);
        try
        {
            if (!sources.IsOffline)
                return await TryGetFileAsync(sources.Server, route, Envelope.MaxBytes, cancellation, isUnlikely).ConfigureAwait(false);
        }
        catch (ServerUnreachableException) when (sources.Mirrors.Any(m => m.IsDirectory))
        {
        }
        foreach (var source in sources.Mirrors.Where(m => m.IsDirectory))
        {
            if (await TryGetFileAsync(source, route, Envelope.MaxBytes, cancellation, isUnlikely: true).ConfigureAwait(false) is { } bytes)
                return bytes;
        }
        return null;
    }

    /// <summary>A tree's or commit's bytes, whose hash is right.</summary>
    /// <exception cref="CorruptObjectException">Every source's bytes were wrong.</exception>
    public Task<byte[]> GetObjectAsync(ObjectName name, int maxBytes, TransferCounters counters, CancellationToken cancellation) =>
        sources.AskAsync((source, fresh) => GetOnceAsync(source, name, maxBytes, fresh, counters, cancellation), () => 0, cancellation);

    /// <summary>The same from a mirror, or null where none has it.</summary>
    public static async Task<byte[]?> TryMirrorsAsync(MirrorPass mirrors, ObjectName name, int maxBytes, TransferCounters counters, CancellationToken cancellation)
    {
        byte[]? content = null;
        await mirrors.TryAsync(async source => content = await GetOnceAsync(source, name, maxBytes, false, counters, cancellation).ConfigureAwait(false), () => 0, cancellation).ConfigureAwait(false);
        return content;
    }

    /// <summary>Starts reading an object, from <paramref name="offset"/> if the source still has the same frame.</summary>
    /// <exception cref="StoppedException">The source does not have it.</exception>
    public static async Task<HttpResponseMessage> OpenObjectAsync(
        Source source, ObjectName name, long offset, string? tag, bool fresh, CancellationToken cancellation)
    {
        // A part comes from the server itself, as does what is to be right this time.
        var isDirect = fresh || !source.Connection.GoesElsewhere;
        var response = await SendAsync(source, name, offset, tag, isDirect, cancellation).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.TemporaryRedirect)
        {
            using (response)
            {
                if (await source.Connection.TryElsewhereAsync(response.Headers.Location, cancellation).ConfigureAwait(false) is { } elsewhere)
                    return elsewhere;
            }
            response = await SendAsync(source, name, offset, tag, isDirect: true, cancellation).ConfigureAwait(false);
        }
        if (response.IsSuccessStatusCode || response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
            return response;
        using (response)
            throw Missing(source, name, response);
    }

    private static async Task<HttpResponseMessage> SendAsync(Source source, ObjectName name, long offset, string? tag, bool isDirect, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, source.Connection.Resolve(Routes.RepositoryObject(name)));
        // A cache in between may hold a damaged copy, and so may a bucket.
        if (isDirect)
            request.Headers.CacheControl = new CacheControlHeaderValue { NoCache = true };
        if (offset > 0)
        {
            request.Headers.Range = new RangeHeaderValue(offset, null);
            if (tag is not null)
                request.Headers.IfRange = new RangeConditionHeaderValue(EntityTagHeaderValue.Parse(tag));
        }
        return await source.SendAsync(request, cancellation, takesRedirect: !isDirect && offset == 0).ConfigureAwait(false);
    }

    internal static Exception Missing(Source source, object what, HttpResponseMessage response) => response.StatusCode switch
    {
        HttpStatusCode.NotFound or HttpStatusCode.Gone => new StoppedException(
            ExitCode.NotFound, $"{source.Connection.Server} has no {what}; its operator may run 'ctree-server fsck'"),
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => new StoppedException(
            ExitCode.NotAuthorised, $"{source.Connection.Server} does not give out {what} to this device"),
        var status => new ServerUnreachableException($"{source.Connection.Server}: answered {(int)status} {response.ReasonPhrase} for {what}"),
    };

    private static async Task<byte[]> GetOnceAsync(
        Source source, ObjectName name, int maxBytes, bool fresh, TransferCounters counters, CancellationToken cancellation)
    {
        using var response = await OpenObjectAsync(source, name, 0, null, fresh, cancellation).ConfigureAwait(false);
        // A frame may be a little larger than what it holds.
        var max = maxBytes + maxBytes / 128 + 1024;
        using var frame = new MemoryStream();
        await source.ReadAsync(response, piece =>
        {
            counters.Received(piece.Length);
            if (frame.Length + piece.Length > max)
                throw new CorruptObjectException(name, $"{source.Connection.Server} sent more than {max} bytes");
            frame.Write(piece.Span);
        }, cancellation).ConfigureAwait(false);
        var content = Decode(source, name, frame.ToArray(), maxBytes);
        counters.Completed();
        return content;
    }

    private static byte[] Decode(Source source, ObjectName name, byte[] frame, int maxBytes)
    {
        using var decoder = new Lz4Decoder();
        try
        {
            var content = decoder.DecodeFrame(frame, maxBytes);
            return ObjectId.Of(content) == name.Id
                ? content
                : throw new CorruptObjectException(name, $"{source.Connection.Server} sent a content with another hash");
        }
        catch (FormatException e)
        {
            throw new CorruptObjectException(name, $"{source.Connection.Server} sent damaged bytes: {e.Message}");
        }
    }
}
