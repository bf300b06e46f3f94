using System.Net;
using System.Net.Http.Headers;
using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Transfer;

/// <summary>Reads a repository that any web server may serve. Nothing it hands out is trusted by where it came from.</summary>
internal sealed class RepositoryClient(ServerConnection connection, Device device)
{
    private readonly Backoff _backoff = new(device.Config.RetryMin, device.Config.RetryMax, device.Clock);

    public Backoff Backoff => _backoff;

    public ServerConnection Connection => connection;

    /// <summary>A small file, or null where there is none.</summary>
    public async Task<byte[]?> TryGetFileAsync(string route, int maxBytes, CancellationToken cancellation)
    {
        using var response = await GetAsync(route, fresh: false, cancellation).ConfigureAwait(false);
        if (response is null)
            return null;
        var bytes = await connection.ReadAllAsync(response, maxBytes, cancellation).ConfigureAwait(false);
        return bytes is not [(byte)'<', ..]
            ? bytes
            : throw new ServerUnreachableException($"{connection.Server}: answered with a web page; is there a network log-in page?");
    }

    /// <summary>A tree's or commit's bytes, whose hash is right.</summary>
    /// <exception cref="CorruptObjectException">The server's bytes were wrong twice.</exception>
    public async Task<byte[]> GetObjectAsync(ObjectName name, int maxBytes, TransferCounters counters, CancellationToken cancellation)
    {
        for (var failures = 0; ;)
        {
            try
            {
                return await GetCheckedAsync(name, maxBytes, counters, cancellation).ConfigureAwait(false);
            }
            catch (ServerUnreachableException e) when (++failures < device.Config.Attempts)
            {
                await _backoff.WaitAsync(failures, e.RetryAfter, cancellation).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Starts reading an object, from <paramref name="offset"/> if the server still has the same frame.</summary>
    /// <exception cref="StoppedException">The server does not have it.</exception>
    public async Task<HttpResponseMessage> OpenObjectAsync(
        ObjectName name, long offset, EntityTagHeaderValue? tag, bool fresh, CancellationToken cancellation)
    {
        using var request = Request(Routes.RepositoryObject(name), fresh);
        if (offset > 0)
        {
            request.Headers.Range = new RangeHeaderValue(offset, null);
            if (tag is { IsWeak: false })
                request.Headers.IfRange = new RangeConditionHeaderValue(tag);
        }
        var response = await connection.SendAsync(request, cancellation).ConfigureAwait(false);
        if (response.IsSuccessStatusCode || response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
            return response;
        using (response)
            throw Missing(connection, name, response);
    }

    private async Task<byte[]> GetCheckedAsync(ObjectName name, int maxBytes, TransferCounters counters, CancellationToken cancellation)
    {
        try
        {
            return await GetOnceAsync(name, maxBytes, false, counters, cancellation).ConfigureAwait(false);
        }
        catch (CorruptObjectException)
        {
            return await GetOnceAsync(name, maxBytes, true, counters, cancellation).ConfigureAwait(false);
        }
    }

    private async Task<byte[]> GetOnceAsync(ObjectName name, int maxBytes, bool fresh, TransferCounters counters, CancellationToken cancellation)
    {
        using var response = await OpenObjectAsync(name, 0, null, fresh, cancellation).ConfigureAwait(false);
        // A frame may be a little larger than what it holds.
        var frame = await connection.ReadAllAsync(response, maxBytes + maxBytes / 128 + 1024, cancellation).ConfigureAwait(false);
        counters.Received(frame.Length);
        var content = Decode(name, frame, maxBytes);
        counters.Completed();
        return content;
    }

    private byte[] Decode(ObjectName name, byte[] frame, int maxBytes)
    {
        using var decoder = new Lz4Decoder();
        try
        {
            var content = decoder.DecodeFrame(frame, maxBytes);
            return ObjectId.Of(content) == name.Id
                ? content
                : throw new CorruptObjectException(name, $"{connection.Server} sent a content with another hash");
        }
        catch (FormatException e)
        {
            throw new CorruptObjectException(name, $"{connection.Server} sent damaged bytes: {e.Message}");
        }
    }

    private async Task<HttpResponseMessage?> GetAsync(string route, bool fresh, CancellationToken cancellation)
    {
        using var request = Request(route, fresh);
        var response = await connection.SendAsync(request, cancellation).ConfigureAwait(false);
        if (response.IsSuccessStatusCode)
            return response;
        using (response)
        {
            return response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Gone
                ? null
                : throw new ServerUnreachableException($"{connection.Resolve(route)}: answered {(int)response.StatusCode} {response.ReasonPhrase}");
        }
    }

    private HttpRequestMessage Request(string route, bool fresh)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, connection.Resolve(route));
        // A cache in between may hold the damaged copy.
        if (fresh)
            request.Headers.CacheControl = new CacheControlHeaderValue { NoCache = true };
        return request;
    }

    internal static Exception Missing(ServerConnection connection, object what, HttpResponseMessage response) => response.StatusCode switch
    {
        HttpStatusCode.NotFound or HttpStatusCode.Gone => new StoppedException(
            ExitCode.NotFound, $"{connection.Server} has no {what}; its operator may run 'ctree-server fsck'"),
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => new StoppedException(
            ExitCode.NotAuthorised, $"{connection.Server} does not give out {what} to this device"),
        var status => new ServerUnreachableException($"{connection.Server}: answered {(int)status} {response.ReasonPhrase} for {what}"),
    };
}
