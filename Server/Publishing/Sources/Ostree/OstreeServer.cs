using System.Net;
using ContentTree.Store.Trees;

namespace ContentTree.Server.Publishing.Sources.Ostree;

/// <summary>A repository that a web server gives out as plain files.</summary>
internal sealed class OstreeServer : IOstreeFiles
{
    private const int Connections = 8;
    private const int Redirections = 5;
    private const int Attempts = 3;

    private static readonly TimeSpan ConnectTime = TimeSpan.FromSeconds(30);

    private readonly Uri _address;
    private readonly HttpClient _http;
    private readonly CancellationToken _cancellation;

    public OstreeServer(OstreeAddress address, CancellationToken cancellation)
    {
        (_address, Shown, _cancellation) = (new Uri(address.Shown + "/"), address.Shown, cancellation);
        _http = new HttpClient(new SocketsHttpHandler
        {
            ConnectTimeout = ConnectTime,
            MaxConnectionsPerServer = Connections,
            MaxAutomaticRedirections = Redirections,
            UseCookies = false,
            // Sent to this address only, and only when it asks: never to where it redirects.
            Credentials = Credentials(address.Url!, _address),
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    public string Shown { get; }

    public int Readers => Connections;

    public void Dispose() => _http.Dispose();

    public Stream? TryOpen(string path)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return Open(path);
            }
            catch (SourceUnreachableException) when (attempt < Attempts)
            {
                _cancellation.WaitHandle.WaitOne(TimeSpan.FromSeconds(attempt));
                _cancellation.ThrowIfCancellationRequested();
            }
        }
    }

    public IReadOnlyList<string>? ListRefs() => null;

    private AnswerStream? Open(string path)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(_cancellation);
        patience.CancelAfter(AnswerStream.Patience);
        HttpResponseMessage? response = null;
        try
        {
            response = _http.Send(new HttpRequestMessage(HttpMethod.Get, new Uri(_address, path)), HttpCompletionOption.ResponseHeadersRead, patience.Token);
            if (response.IsSuccessStatusCode)
                return new AnswerStream(response, $"{Shown}/{path}", _cancellation);
        }
        catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !_cancellation.IsCancellationRequested))
        {
            response?.Dispose();
            throw new SourceUnreachableException($"{Shown}/{path} cannot be read: {(e is HttpRequestException ? e.Message : "no answer")}; nothing was changed");
        }
        using (response)
        {
            // A bucket that does not list its files forbids those that are not there.
            return response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Gone or HttpStatusCode.Forbidden
                ? null
                : throw new SourceUnreachableException($"{Shown}/{path} cannot be read: the server answers {(int)response.StatusCode}; nothing was changed");
        }
    }

    private static CredentialCache? Credentials(Uri given, Uri address)
    {
        if (given.UserInfo.Length == 0)
            return null;
        var parts = given.UserInfo.Split(':', 2);
        var credential = new NetworkCredential(Uri.UnescapeDataString(parts[0]), parts.Length > 1 ? Uri.UnescapeDataString(parts[1]) : "");
        return new CredentialCache { { address, "Basic", credential } };
    }
}
