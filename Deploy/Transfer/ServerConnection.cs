using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ContentTree.Deploy.Config;

namespace ContentTree.Deploy.Transfer;

/// <summary>
/// HTTP to one server or mirror. Every way in which a network fails is a <see cref="ServerUnreachableException"/>; redirects are not followed, but for
/// that of an object (<see cref="TryElsewhereAsync"/>), and bodies not unpacked: whatever stands between is not asked for its opinion.
/// </summary>
internal sealed class ServerConnection : IDisposable
{
    private const int MaxPiece = 64 * 1024;

    // What has to come within the time that a stall may take: less than the slowest link of use brings, and one that only drips on purpose
    // could hold an update for ever.
    private const int MinPace = 8 * 1024;

    // What is left of an answer that is of no use: more of it costs more than another connection.
    private const int MaxDrain = 4096;

    private readonly HttpClient _client;
    private readonly TimeSpan _stall;
    private readonly TimeProvider _clock;
    private readonly string _prefix;
    private readonly Lazy<HttpClient> _elsewhere;
    private readonly bool _mayBeReadable;
    private bool _isNone;

    /// <summary>The update server itself: by TLS, or on this machine.</summary>
    /// <exception cref="StoppedException">Its address is http:// elsewhere, and the configuration refuses that.</exception>
    public ServerConnection(Uri server, AgentConfig config, TimeProvider clock, TransferGate? gate = null)
        : this(server, "", config, clock, gate)
    {
        if (AgentConfig.IsReadable(server) && config.AllowHttp == "false")
        {
            Dispose();
            throw new StoppedException(Store.Protocol.ExitCode.Usage,
                $"{server}: everybody on the way could read along, and [server] allow-http = false refuses that; use https://");
        }
    }

    private ServerConnection(Uri server, string prefix, AgentConfig config, TimeProvider clock, TransferGate? gate)
    {
        (Server, _prefix) = (server, prefix);
        _stall = config.StallTimeout;
        _clock = clock;
        _client = new HttpClient(server.IsFile ? FileHandler(server.LocalPath) : Handler(config, gate, prefix.Length == 0 ? config.ServerCertificates : "")) { Timeout = Timeout.InfiniteTimeSpan };
        _client.DefaultRequestHeaders.UserAgent.ParseAdd("ctree/1");
        // Whoever vouches for the server alone need not know the bucket.
        _elsewhere = new Lazy<HttpClient>(() => new HttpClient(Handler(config, gate, "")) { Timeout = Timeout.InfiniteTimeSpan });
        _mayBeReadable = server.Scheme == Uri.UriSchemeHttp && config.AllowHttp != "false";
    }

    /// <summary>No server: whatever is asked of it fails at once, as without a network.</summary>
    public static ServerConnection None(AgentConfig config, TimeProvider clock) => new(new Uri("none:server"), "", config, clock, null) { _isNone = true };

    public Uri Server { get; }

    /// <summary>How far this device's clock is from the server's, as far as the server has said.</summary>
    public TimeSpan Skew { get; set; }

    /// <summary>The server may leave objects to a bucket; not any more where that has failed once.</summary>
    public bool GoesElsewhere { get; private set; } = true;

    /// <summary>Signs what is asked for without a signature; null where nobody needs to know who asks.</summary>
    public Func<HttpRequestMessage, string>? Signer { get; set; }

    /// <summary>A mirror: its address, or a directory, holds what <c>/repo</c> holds on a server.</summary>
    public static ServerConnection ToMirror(Uri mirror, AgentConfig config, TimeProvider clock, TransferGate gate) =>
        new(mirror, Store.Protocol.Routes.Repository, config, clock, gate);

    /// <summary>A route below the server's address.</summary>
    public Uri Resolve(string route) => new(Server.AbsoluteUri.TrimEnd('/') + route[_prefix.Length..]);

    /// <summary>Sends a request and returns once the head of the answer is here.</summary>
    /// <param name="takesRedirect">Whoever asks does something about 307.</param>
    /// <exception cref="ServerUnreachableException">No answer, or one that a server of ours does not give.</exception>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellation, bool takesRedirect = false)
    {
        if (_isNone)
            throw new ServerUnreachableException("no server is asked") { IsNoNetwork = true };
        using var guard = new StallGuard(_stall, cancellation);
        if (Signer is { } sign && request.Headers.Authorization is null)
            request.Headers.TryAddWithoutValidation("Authorization", sign(request));
        var response = await Guarded(guard, () => _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, guard.Token))
            .ConfigureAwait(false);
        var refusal = takesRedirect && response.StatusCode == HttpStatusCode.TemporaryRedirect ? null : Refusal(response);
        if (refusal is null)
            return response;
        response.Dispose();
        throw refusal;
    }

    /// <summary>
    /// Asks where the server sends a device for an object whose hash it knows: once, without signature and token, and by TLS if the server is.
    /// </summary>
    /// <returns>Null where that is not allowed or fails: the server has it too.</returns>
    public async Task<HttpResponseMessage?> TryElsewhereAsync(Uri? location, CancellationToken cancellation)
    {
        if (location is not null && IsFit(location = new Uri(Server, location)))
        {
            using var guard = new StallGuard(_stall, cancellation);
            using var request = new HttpRequestMessage(HttpMethod.Get, location);
            try
            {
                var response = await Guarded(guard, () => _elsewhere.Value.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, guard.Token)).ConfigureAwait(false);
                if (response.StatusCode == HttpStatusCode.OK && Refusal(response) is null)
                {
                    // It would be the bucket's word for it; what is cut goes on at the server.
                    response.Headers.Remove("ETag");
                    return response;
                }
                response.Dispose();
            }
            catch (ServerUnreachableException)
            {
                // A network that does not reach the bucket.
            }
        }
        GoesElsewhere = false;
        return null;
    }

    /// <summary>Hands every piece of the body to <paramref name="take"/> as it arrives, no faster than the gate lets it through.</summary>
    /// <exception cref="ServerUnreachableException">The body was cut, stalled or only dripped.</exception>
    public async Task ReadAsync(
        HttpResponseMessage response, Action<ReadOnlyMemory<byte>> take, CancellationToken cancellation, TransferGate? gate = null)
    {
        using var guard = new StallGuard(_stall, cancellation);
        var stream = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        await using var _ = stream.ConfigureAwait(false);
        var buffer = new byte[gate is { MaxRate: > 0 and var rate } ? Math.Clamp(rate / 8, 1024, MaxPiece) : MaxPiece];
        var (patience, came) = (_stall, 0);
        while (true)
        {
            guard.Wait(patience);
            var begun = _clock.GetTimestamp();
            var count = await Guarded(guard, () => stream.ReadAsync(buffer, guard.Token).AsTask(), isMoving: came > 0).ConfigureAwait(false);
            if (count == 0)
                return;
            guard.Rest();
            (patience, came) = came + count < MinPace ? (patience - _clock.GetElapsedTime(begun), came + count) : (_stall, 0);
            take(buffer.AsMemory(0, count));
            if (gate is not null)
                await gate.PassAsync(count, cancellation).ConfigureAwait(false);
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

    public void Dispose()
    {
        _client.Dispose();
        if (_elsewhere?.IsValueCreated == true)
            _elsewhere.Value.Dispose();
    }

    private bool IsFit(Uri location) => location is { UserInfo: "" } && (location.Scheme == Uri.UriSchemeHttps || (location.Scheme == Uri.UriSchemeHttp && _mayBeReadable));

    // A file is a bundle; a directory may be mounted later.
    private static HttpMessageHandler FileHandler(string path) => File.Exists(path) ? new BundleHandler(path) : new DirectoryHandler();

    private static SocketsHttpHandler Handler(AgentConfig config, TransferGate? gate, string certificates) => new()
    {
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        ConnectTimeout = config.ConnectTimeout,
        MaxConnectionsPerServer = config.Connections,
        MaxResponseDrainSize = MaxDrain,
        UseCookies = false,
        SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = certificates.Length > 0 ? Only(certificates) : null },
        ConnectCallback = (context, cancellation) => ConnectAsync(context.DnsEndPoint, gate?.MaxRate ?? 0, cancellation),
    };

    // These instead of the system's: whoever else may sign certificates may not sign one for this server.
    private static X509ChainPolicy Only(string file)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        try
        {
            policy.CustomTrustStore.ImportFromPemFile(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new ConfigException(file, $"server.ca cannot be read: {e.Message}");
        }
        return policy.CustomTrustStore.Count > 0 ? policy : throw new ConfigException(file, "server.ca has no certificate in it");
    }

    private static async ValueTask<Stream> ConnectAsync(DnsEndPoint server, long maxRate, CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            // The kernel would take megabytes at full speed on our behalf, however slowly we read.
            if (maxRate > 0)
                socket.ReceiveBufferSize = (int)Math.Clamp(maxRate / 4, 4096, 1 << 20);
            await socket.ConnectAsync(server, cancellation).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    // A hotel's log-in page, a proxy or a load balancer answers like this; a repository never does.
    private ServerUnreachableException? Refusal(HttpResponseMessage response)
    {
        var status = (int)response.StatusCode;
        if (status is >= 300 and < 400 and not (int)HttpStatusCode.NotModified)
            return new($"{Server}: redirected to {response.Headers.Location}; is there a network log-in page?") { IsNoNetwork = true };
        if (status == (int)HttpStatusCode.NetworkAuthenticationRequired)
            return new($"{Server}: the network wants a log-in") { IsNoNetwork = true };
        if (response.IsSuccessStatusCode && response.Content.Headers.ContentType?.MediaType is "text/html" or "application/xhtml+xml")
            return new($"{Server}: answered with a web page; is there a network log-in page?") { IsNoNetwork = true };
        return status >= 500 && status != (int)HttpStatusCode.NotImplemented && !IsProblem(response) || status is 408 or 429
            ? new($"{Server}: answered {status} {response.ReasonPhrase}", RetryAfter(response.Headers.RetryAfter))
            : null;
    }

    internal static bool IsProblem(HttpResponseMessage response) =>
        response.Content.Headers.ContentType?.MediaType == Store.Protocol.Problem.MediaType;

    private TimeSpan? RetryAfter(RetryConditionHeaderValue? header) => header?.Delta ?? header?.Date - _clock.GetUtcNow();

    private async Task<T> Guarded<T>(StallGuard guard, Func<Task<T>> call, bool isMoving = false)
    {
        try
        {
            return await call().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (guard.HasStalled)
        {
            throw new ServerUnreachableException($"{Server}: {(isMoving ? $"less than {MinPace} bytes" : "no byte")} for {_stall.TotalSeconds:0.#} s") { IsSlow = isMoving };
        }
        catch (HttpRequestException e) when (e.InnerException is AuthenticationException)
        {
            throw new ServerUnreachableException($"{Server}: {e.InnerException.Message}") { IsNoNetwork = true };
        }
        catch (HttpRequestException e) when (IsWithoutNetwork(e))
        {
            throw new ServerUnreachableException($"{Server}: {e.Message}") { IsNoNetwork = true };
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

    // No name server, no route: nothing that the server did.
    private static bool IsWithoutNetwork(HttpRequestException e) =>
        e.HttpRequestError == HttpRequestError.NameResolutionError ||
        e.InnerException is SocketException { SocketErrorCode: SocketError.NetworkUnreachable or SocketError.HostUnreachable or SocketError.NetworkDown };
}
