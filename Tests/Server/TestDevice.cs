using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Tests.Server;

/// <summary>A device as far as the server can see one: a key that signs requests.</summary>
internal sealed class TestDevice(TestServer server) : IDisposable
{
    public SigningKey Key { get; } = SigningKey.Generate();

    public KeyId Id => Key.Id;

    /// <summary>What the device's clock says compared with the server's.</summary>
    public TimeSpan ClockError { get; set; }

    /// <summary>Goes to the server by this way instead of straight.</summary>
    public HttpClient? Through { get; set; }

    public Task<HttpResponseMessage> EnrolAsync(string? token = null, string branch = "stable", string name = "lab-7") =>
        SendAsync(Routes.Enrol, new EnrolRequest(Key.Public.Pem, name, "scope-2", "x86_64", BranchName.Parse(branch), token), ProtocolJson.Default.EnrolRequest);

    public Task<HttpResponseMessage> PollAsync(PollRequest poll) => SendAsync(Routes.Poll, poll, ProtocolJson.Default.PollRequest);

    public Task<HttpResponseMessage> PollAsync(string branch = "stable") => PollAsync(new PollRequest(BranchName.Parse(branch), "", 1, 0));

    public Task<HttpResponseMessage> ReportAsync(params ReportEvent[] events) =>
        SendAsync(Routes.Report, new ReportRequest(events), ProtocolJson.Default.ReportRequest);

    public async Task<HttpResponseMessage> SendAsync<T>(string route, T message, JsonTypeInfo<T> type)
    {
        using var request = Sign(route, JsonSerializer.SerializeToUtf8Bytes(message, type));
        return await (Through ?? server.Http).SendAsync(request);
    }

    /// <summary>A signed request; the body that is sent may be another than the one signed.</summary>
    public HttpRequestMessage Sign(string route, byte[] body, byte[]? sentBody = null)
    {
        var signature = RequestSignature.Create(Key, "POST", route, body, server.Time.GetUtcNow() + ClockError);
        var request = new HttpRequestMessage(HttpMethod.Post, route) { Content = new ByteArrayContent(sentBody ?? body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.TryAddWithoutValidation("Authorization", signature.ToString());
        return request;
    }

    public void Dispose() => Key.Dispose();
}
