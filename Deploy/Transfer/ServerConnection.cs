using System.Net;
using System.Net.Http.Headers;
using System.Security.Authentication;
using ContentTree.Deploy.Config;

namespace ContentTree.Deploy.Transfer;

/// <summary>
/// HTTP to one server. Every way in which a network fails is a <see cref="ServerUnreachableException"/>; redirects are not followed
/// and bodies not unpacked: whatever stands between is not asked for its opinion.
/// </summary>
internal sealed class ServerConnection : IDisposable
{
    private readonly HttpClient _client;
    private readonly TimeSpan _stall;
    private readonly TimeProvider _clock;

    public ServerConnection(Uri server, AgentConfig config, TimeProvider clock)
    {
        Server = server;
        _stall = config.StallTimeout;
        _clock = clock;
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = config.ConnectTimeout,
            MaxConnectionsPerServer = config.Connections,
            UseCookies = false,
        };
        _client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        _client.DefaultRequestHeaders.UserAgent.ParseAdd("ctree/1");
    }

    public Uri Server { get; }

    /// <summary>A route below the server's address.</summary>
    public Uri Resolve(string route) => new(Server.AbsoluteUri.TrimEnd('/') + route);

    /// <summary>Sends a request and returns once the head of the answer is here.</summary>
    /// <exception cref="ServerUnreachableException">No answer, or one that a server of ours does not give.</exception>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        using var guard = new StallGuard(_stall, cancellation);
        var response = await Guarded(guard, () => _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, guard.Token))
            .ConfigureAwait(false);
        var refusal = Refusal(response);
        if (refusal is null)
            return response;
        response.Dispose();
        throw refusal;
    }

    /// <summary>Hands every piece of the body to <paramref name="take"/> as it arrives.</summary>
    /// <exception cref="ServerUnreachableException">The body was cut or stalled.</exception>
    public async Task ReadAsync(HttpResponseMessage response, Action<ReadOnlyMemory<byte>> take, CancellationToken cancellation)
    {
        using var guard = new StallGuard(_stall, cancellation);
        var stream = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        await using var _ = stream.ConfigureAwait(false);
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var count = await Guarded(guard, () => stream.ReadAsync(buffer, guard.Token).AsTask()).ConfigureAwait(false);
            if (count == 0)
                return;
            guard.Moved();
            take(buffer.AsMemory(0, count));
        }
    }

    /// <summary>A whole body.</summary>
    /// <exception cref="ServerUnreachableException">It was cut, stalled or is larger than anything ours would be.</exception>
    public async Task<byte[]> ReadAllAsync(HttpResponseMessage response, int maxBytes, CancellationToken cancellation)
    {
        using var body = new MemoryStream();
        await ReadAsync(response, piece =>
        {
            if (body.Length + piece.Length > maxBytes)
                throw new ServerUnreachableException($"{Server}: an answer of more than {maxBytes} bytes; something else answers in its place");
            body.Write(piece.Span);
        }, cancellation).ConfigureAwait(false);
        return body.ToArray();
    }

    public void Dispose() => _client.Dispose();

    // A hotel's log-in page, a proxy or a load balancer answers like this; a repository never does.
    private ServerUnreachableException? Refusal(HttpResponseMessage response)
    {
        var status = (int)response.StatusCode;
        if (status is >= 300 and < 400 and not (int)HttpStatusCode.NotModified)
            return new($"{Server}: redirected to {response.Headers.Location}; is there a network log-in page?");
        if (response.IsSuccessStatusCode && response.Content.Headers.ContentType?.MediaType is "text/html" or "application/xhtml+xml")
            return new($"{Server}: answered with a web page; is there a network log-in page?");
        return status >= 500 && status != (int)HttpStatusCode.NotImplemented && !IsProblem(response) || status is 408 or 429
            ? new($"{Server}: answered {status} {response.ReasonPhrase}", RetryAfter(response.Headers.RetryAfter))
            : null;
    }

    internal static bool IsProblem(HttpResponseMessage response) =>
        response.Content.Headers.ContentType?.MediaType == Store.Protocol.Problem.MediaType;

    private TimeSpan? RetryAfter(RetryConditionHeaderValue? header) => header?.Delta ?? header?.Date - _clock.GetUtcNow();

    private async Task<T> Guarded<T>(StallGuard guard, Func<Task<T>> call)
    {
        try
        {
            return await call().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (guard.HasStalled)
        {
            throw new ServerUnreachableException($"{Server}: no byte for {_stall.TotalSeconds:0.#} s");
        }
        catch (HttpRequestException e) when (e.InnerException is AuthenticationException)
        {
            throw new ServerUnreachableException($"{Server}: {e.InnerException.Message}");
        }
        catch (Exception e) when (e is HttpRequestException or HttpIOException || e is IOException and not Store.PosixException)
        {
            throw new ServerUnreachableException($"{Server}: {e.Message}");
        }
        catch (OperationCanceledException e) when (e.InnerException is TimeoutException)
        {
            throw new ServerUnreachableException($"{Server}: no connection within the time allowed");
        }
    }
}
