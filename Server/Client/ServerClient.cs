using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Client;

/// <summary>Talks to a running server with a token. Refusals are <see cref="RemoteProblemException"/>.</summary>
internal sealed class ServerClient : IDisposable
{
    private const long SlowestBytesPerSecond = 8 * 1024;

    // A line for each of a hundred thousand commits.
    private const int LongAnswer = 64 << 20;

    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(100);

    // Reading a repository of terabytes.
    private static readonly TimeSpan LongTimeout = TimeSpan.FromHours(12);
    private static readonly TimeSpan[] Pauses = [TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(2)];

    private readonly HttpClient _http;

    /// <param name="server">The address, with the path of a reverse proxy if it adds one.</param>
    public ServerClient(Uri server, string token)
    {
        // The time a request may take is counted per request: an upload may take longer than a question.
        // A proxy is for other machines: without TLS it would read the token of a server on this one.
        _http = new HttpClient(new SocketsHttpHandler { ConnectTimeout = ConnectTimeout, AllowAutoRedirect = false, UseProxy = !server.IsLoopback })
        {
            BaseAddress = new Uri(server.AbsoluteUri.TrimEnd('/') + "/"),
            Timeout = Timeout.InfiniteTimeSpan,
        };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    /// <summary>Names the server in files kept for it.</summary>
    public string Address => _http.BaseAddress?.AbsoluteUri ?? "";

    public Task<TAnswer> GetAsync<TAnswer>(string route, JsonTypeInfo<TAnswer> type, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Get, route, null, type, cancellation);

    public Task<TAnswer> PostAsync<TRequest, TAnswer>(
        string route, TRequest request, JsonTypeInfo<TRequest> requestType, JsonTypeInfo<TAnswer> type, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Post, route, Json(request, requestType), type, cancellation);

    /// <summary>For what takes a server long, and may have much to say of it.</summary>
    public Task<TAnswer> PostAndWaitAsync<TRequest, TAnswer>(
        string route, TRequest? request, JsonTypeInfo<TRequest> requestType, JsonTypeInfo<TAnswer> type, CancellationToken cancellation) where TRequest : class =>
        SendAsync(HttpMethod.Post, route, request is null ? null : Json(request, requestType), type, cancellation, isLong: true);

    /// <summary>For what must be done once: where an answer is lost it is said again under the same name.</summary>
    public async Task<TAnswer> PostOnceAsync<TRequest, TAnswer>(
        string route, TRequest request, JsonTypeInfo<TRequest> requestType, JsonTypeInfo<TAnswer> type, CancellationToken cancellation)
    {
        var name = Guid.NewGuid().ToString();
        for (var attempt = 0; ; attempt++)
        {
            var content = Json(request, requestType);
            try
            {
                return await SendAsync(HttpMethod.Post, route, content, type, cancellation, name);
            }
            catch (HttpRequestException) when (attempt < Pauses.Length)
            {
                await Task.Delay(Pauses[attempt], cancellation);
            }
        }
    }

    /// <summary>Sends bytes as they are.</summary>
    public Task<TAnswer> PostAsync<TAnswer>(string route, byte[] bytes, JsonTypeInfo<TAnswer> type, CancellationToken cancellation, string media = "application/json")
    {
        var content = new ByteArrayContent(bytes);
        content.Headers.ContentType = new MediaTypeHeaderValue(media);
        return SendAsync(HttpMethod.Post, route, content, type, cancellation);
    }

    public Task<TAnswer> PostAsync<TAnswer>(string route, JsonTypeInfo<TAnswer> type, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Post, route, null, type, cancellation);

    public Task<TAnswer> PutAsync<TRequest, TAnswer>(
        string route, TRequest request, JsonTypeInfo<TRequest> requestType, JsonTypeInfo<TAnswer> type, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Put, route, Json(request, requestType), type, cancellation);

    public Task PutAsync<TRequest>(string route, TRequest request, JsonTypeInfo<TRequest> requestType, CancellationToken cancellation) =>
        DiscardAsync(HttpMethod.Put, route, Json(request, requestType), cancellation);

    public Task PutAsync(string route, HttpContent content, CancellationToken cancellation) =>
        DiscardAsync(HttpMethod.Put, route, content, cancellation);

    public Task DeleteAsync(string route, CancellationToken cancellation) => DiscardAsync(HttpMethod.Delete, route, null, cancellation);

    /// <summary>A small file of the repository, or null when the server has none such.</summary>
    /// <param name="maxBytes">Longer ones are refused.</param>
    public async Task<byte[]?> TryDownloadAsync(string route, int maxBytes, CancellationToken cancellation)
    {
        using var answer = await SendAsync(HttpMethod.Get, route, null, cancellation);
        if (answer.StatusCode == System.Net.HttpStatusCode.NotFound)
            return null;
        await RequireSuccessAsync(answer, cancellation);
        return await ReadAsync(answer, maxBytes, cancellation);
    }

    /// <summary>Takes a download as it comes. Begun again from its first byte where the line breaks.</summary>
    /// <param name="maxBytes">After so many it is refused.</param>
    /// <param name="take">Reads it; may be called several times.</param>
    public async Task DownloadAsync(string route, long maxBytes, Func<Stream, CancellationToken, Task> take, CancellationToken cancellation)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await DownloadOnceAsync(route, maxBytes, take, cancellation);
                return;
            }
            catch (HttpRequestException) when (attempt < Pauses.Length)
            {
                await Task.Delay(Pauses[attempt], cancellation);
            }
        }
    }

    public void Dispose() => _http.Dispose();

    private static ByteArrayContent Json<T>(T message, JsonTypeInfo<T> type)
    {
        var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(message, type));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }

    private async Task DownloadOnceAsync(string route, long maxBytes, Func<Stream, CancellationToken, Task> take, CancellationToken cancellation)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limited.CancelAfter(AnswerTimeout);
        try
        {
            using var answer = await _http.GetAsync(route[1..], HttpCompletionOption.ResponseHeadersRead, limited.Token);
            if (!answer.IsSuccessStatusCode)
                await answer.Content.LoadIntoBufferAsync(BodyLimits.Answer, limited.Token);
            await RequireSuccessAsync(answer, limited.Token);
            await using var body = new PatientStream(await answer.Content.ReadAsStreamAsync(limited.Token), maxBytes, () => limited.CancelAfter(AnswerTimeout), Address);
            await take(body, limited.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new HttpRequestException($"{Address} is too slow, or has stopped in the middle of a download");
        }
    }

    private async Task<T> SendAsync<T>(HttpMethod method, string route, HttpContent? content, JsonTypeInfo<T> type, CancellationToken cancellation, string? name = null, bool isLong = false)
    {
        using var answer = await SendAsync(method, route, content, cancellation, name, isLong);
        await RequireSuccessAsync(answer, cancellation);
        var body = await ReadAsync(answer, isLong ? LongAnswer : BodyLimits.Missing, cancellation);
        try
        {
            return ProtocolMessage.Parse(body, type);
        }
        catch (JsonException e)
        {
            throw new HttpRequestException($"{Address}{route[1..]} answered with something else than a ContentTree server would: {e.Message}");
        }
    }

    private async Task DiscardAsync(HttpMethod method, string route, HttpContent? content, CancellationToken cancellation)
    {
        using var answer = await SendAsync(method, route, content, cancellation);
        await RequireSuccessAsync(answer, cancellation);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string route, HttpContent? content, CancellationToken cancellation, string? name = null, bool isLong = false)
    {
        // Routes start with '/', which would replace a proxy's path.
        using var request = new HttpRequestMessage(method, route[1..]) { Content = content };
        if (name is not null)
            request.Headers.Add(Endpoints.OnceOnly.Header, name);
        var patience = (isLong ? LongTimeout : AnswerTimeout) + TimeSpan.FromSeconds((content?.Headers.ContentLength ?? 0) / SlowestBytesPerSecond);
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limited.CancelAfter(patience);
        try
        {
            var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limited.Token);
            // Answers are small, whatever the server says: read within the same patience, within the limit.
            await answer.Content.LoadIntoBufferAsync(isLong ? LongAnswer : BodyLimits.Missing, limited.Token);
            return answer;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new HttpRequestException($"{Address} has not answered for {patience.TotalSeconds:0} seconds");
        }
    }

    private async Task RequireSuccessAsync(HttpResponseMessage answer, CancellationToken cancellation)
    {
        if (answer.IsSuccessStatusCode)
            return;
        var problem = answer.Content.Headers.ContentType?.MediaType == Problem.MediaType
            ? JsonSerializer.Deserialize(await ReadAsync(answer, BodyLimits.Answer, cancellation), ProtocolJson.Default.Problem)
            : null;
        throw problem is null
            ? new HttpRequestException($"{Address} answered {(int)answer.StatusCode}: no ContentTree server, or a proxy in between")
            : new RemoteProblemException(problem);
    }

    private static async Task<byte[]> ReadAsync(HttpResponseMessage answer, int maxBytes, CancellationToken cancellation)
    {
        await answer.Content.LoadIntoBufferAsync(maxBytes, cancellation);
        return await answer.Content.ReadAsByteArrayAsync(cancellation);
    }
}
