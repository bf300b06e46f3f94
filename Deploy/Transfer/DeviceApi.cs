using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ContentTree.Store.Packs;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Deploy.Transfer;

/// <summary>The server's device interface: small signed requests. Answers are null from a server that has none: static files.</summary>
internal sealed class DeviceApi(ServerConnection connection, SigningKey key, TimeProvider clock)
{
    private const int MaxAnswerBytes = 256 * 1024;

    // The year 2200: what is later, or before 1970, is no time that a server has.
    private const long LatestTime = 7_258_118_400;

    public Task<EnrolAnswer?> EnrolAsync(EnrolRequest request, CancellationToken cancellation) =>
        PostAsync(Routes.Enrol, request, ProtocolJson.Default.EnrolRequest, ProtocolJson.Default.EnrolAnswer, cancellation);

    public Task<PollAnswer?> PollAsync(PollRequest request, CancellationToken cancellation) =>
        PostAsync(Routes.Poll, request, ProtocolJson.Default.PollRequest, ProtocolJson.Default.PollAnswer, cancellation);

    /// <summary>Null also while the delta is being made.</summary>
    public Task<DeltaOffer?> DeltaAsync(DeltaRequest request, CancellationToken cancellation) =>
        PostAsync(Routes.Deltas, request, ProtocolJson.Default.DeltaRequest, ProtocolJson.Default.DeltaOffer, cancellation);

    public Task<ReportAnswer?> ReportAsync(ReportRequest request, CancellationToken cancellation) =>
        PostAsync(Routes.Report, request, ProtocolJson.Default.ReportRequest, ProtocolJson.Default.ReportAnswer, cancellation);

    public Task<HeadProofAnswer?> ProveAsync(HeadProof proof, CancellationToken cancellation) =>
        PostAsync(Routes.Heads, proof, ProtocolJson.Default.HeadProof, ProtocolJson.Default.HeadProofAnswer, cancellation);

    public Task<BlackBoxAnswer?> BlackBoxAsync(BlackBoxRequest request, CancellationToken cancellation) =>
        PostAsync(Routes.BlackBoxes, request, ProtocolJson.Default.BlackBoxRequest, ProtocolJson.Default.BlackBoxAnswer, cancellation);

    /// <summary>Asks for a pack as content, which the limits on content hold for. The answer's body is still to be read.</summary>
    /// <exception cref="ProblemException">The server refused.</exception>
    /// <exception cref="ServerUnreachableException">It did not answer.</exception>
    public Task<HttpResponseMessage?> OpenPackAsync(Source source, PackRequest wanted, CancellationToken cancellation)
    {
        var body = wanted.Encode();
        return AgainWithServersTimeAsync(() => SendPackAsync(source, body, cancellation));
    }

    /// <exception cref="ProblemException">The server refused.</exception>
    /// <exception cref="ServerUnreachableException">It did not answer.</exception>
    private async Task<TAnswer?> PostAsync<TRequest, TAnswer>(
        string route, TRequest request, JsonTypeInfo<TRequest> requestJson, JsonTypeInfo<TAnswer> answerJson, CancellationToken cancellation)
        where TAnswer : class
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(request, requestJson);
        return await AgainWithServersTimeAsync(() => SendAsync(route, body, answerJson, cancellation)).ConfigureAwait(false);
    }

    private async Task<T> AgainWithServersTimeAsync<T>(Func<Task<T>> send)
    {
        try
        {
            return await send().ConfigureAwait(false);
        }
        catch (ProblemException e) when (e.Problem is { Code: ProblemCode.Clock, Time: > 0 and < LatestTime and var time })
        {
            // A device without a clock signs with the server's time; what expires is judged by signed data, not by this.
            connection.Skew = DateTimeOffset.FromUnixTimeSeconds(time) - clock.GetUtcNow();
            return await send().ConfigureAwait(false);
        }
    }

    private async Task<HttpResponseMessage?> SendPackAsync(Source source, byte[] body, CancellationToken cancellation)
    {
        var address = connection.Resolve(Routes.Packs);
        using var request = Sign(address, body, "application/octet-stream");
        var response = await source.SendAsync(request, cancellation).ConfigureAwait(false);
        if (response.IsSuccessStatusCode)
            return response;
        using (response)
            return await RefusedAsync(address, response, cancellation).ConfigureAwait(false) ? null : throw Strange(address, response);
    }

    private async Task<TAnswer?> SendAsync<TAnswer>(string route, byte[] body, JsonTypeInfo<TAnswer> answerJson, CancellationToken cancellation)
        where TAnswer : class
    {
        var address = connection.Resolve(route);
        using var request = Sign(address, body, "application/json");
        using var response = await connection.SendAsync(request, cancellation).ConfigureAwait(false);
        if (!response.IsSuccessStatusCode)
            return await RefusedAsync(address, response, cancellation).ConfigureAwait(false) ? null : throw Strange(address, response);
        // Taken on, and nothing to tell yet.
        if (response.StatusCode == HttpStatusCode.Accepted)
            return null;
        return Read(await connection.ReadAllAsync(response, MaxAnswerBytes, cancellation).ConfigureAwait(false), answerJson, address);
    }

    private HttpRequestMessage Sign(Uri address, byte[] body, string mediaType)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(mediaType);
        var signature = RequestSignature.Create(key, "POST", address.PathAndQuery, body, clock.GetUtcNow() + connection.Skew);
        request.Headers.TryAddWithoutValidation("Authorization", signature.ToString());
        return request;
    }

    // Whether it is a server of plain files; one of ours says why.
    private async Task<bool> RefusedAsync(Uri address, HttpResponseMessage response, CancellationToken cancellation)
    {
        if (!ServerConnection.IsProblem(response))
            return IsStaticServer(response.StatusCode);
        var answer = await connection.ReadAllAsync(response, MaxAnswerBytes, cancellation).ConfigureAwait(false);
        throw new ProblemException(Read(answer, ProtocolJson.Default.Problem, address), address);
    }

    private static bool IsStaticServer(HttpStatusCode status) =>
        status is HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed or HttpStatusCode.NotImplemented;

    private static ServerUnreachableException Strange(Uri address, HttpResponseMessage response) =>
        new($"{address}: answered {(int)response.StatusCode} {response.ReasonPhrase}, which is no answer of an update server");

    private static T Read<T>(byte[] answer, JsonTypeInfo<T> json, Uri address)
    {
        try
        {
            return ProtocolMessage.Parse(answer, json);
        }
        catch (JsonException e)
        {
            throw new ServerUnreachableException($"{address}: something else than an update server answered ({e.Message})");
        }
    }
}
