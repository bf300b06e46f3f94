using System.Net;

namespace ContentTree.Tests.Server;

/// <summary>Passes requests on to a server and loses the first answer to one route.</summary>
internal sealed class LosingProxy : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly HttpClient _http;
    private readonly string _route;
    private int _lost;

    public LosingProxy(Uri server, string route)
    {
        using (var free = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            Url = $"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}/";
        }
        (_route, _http) = (route, new HttpClient { BaseAddress = server });
        _listener.Prefixes.Add(Url);
        _listener.Start();
        _ = Task.Run(ServeAsync);
    }

    public string Url { get; }

    public int Lost => _lost;

    public void Dispose()
    {
        _listener.Close();
        _http.Dispose();
    }

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            try
            {
                _ = PassAsync(await _listener.GetContextAsync());
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task PassAsync(HttpListenerContext context)
    {
        using var request = new HttpRequestMessage(new HttpMethod(context.Request.HttpMethod), context.Request.RawUrl);
        if (context.Request.HasEntityBody)
            request.Content = new StreamContent(context.Request.InputStream);
        foreach (var name in new[] { "Authorization", "Idempotency-Key" })
            request.Headers.TryAddWithoutValidation(name, context.Request.Headers[name]);
        using var answer = await _http.SendAsync(request);
        if (context.Request.RawUrl == _route && Interlocked.CompareExchange(ref _lost, 1, 0) == 0)
        {
            context.Response.Abort();
            return;
        }
        context.Response.StatusCode = (int)answer.StatusCode;
        context.Response.ContentType = answer.Content.Headers.ContentType?.ToString();
        await answer.Content.CopyToAsync(context.Response.OutputStream);
        context.Response.Close();
    }
}
