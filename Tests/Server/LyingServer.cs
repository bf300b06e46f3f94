using System.Net;

namespace ContentTree.Tests.Server;

/// <summary>Hands on what a server answers to GET, changed on the way, in chunks and so without a length.</summary>
internal sealed class LyingServer : IAsyncDisposable
{
    private readonly HttpListener _listener;
    private readonly HttpClient _server;
    private readonly Func<string, byte[], byte[]> _change;
    private readonly Task _serving;

    private LyingServer(string url, HttpListener listener, string server, Func<string, byte[], byte[]> change)
    {
        (Url, _listener, _change, _server) = (url, listener, change, new HttpClient { BaseAddress = new Uri(server) });
        _serving = Task.Run(ServeAsync);
    }

    public string Url { get; }

    /// <param name="change">The path and the true body of an answer, to the one that is sent.</param>
    public static async Task<LyingServer> StartAsync(string server, Func<string, byte[], byte[]> change)
    {
        for (var attempt = 0; ; attempt++)
        {
            var (url, listener) = ($"http://127.0.0.1:{Random.Shared.Next(20000, 50000)}/", new HttpListener());
            listener.Prefixes.Add(url);
            try
            {
                listener.Start();
                return new LyingServer(url, listener, server, change);
            }
            catch (HttpListenerException) when (attempt < 20)
            {
                await Task.Delay(10);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _serving;
        _server.Dispose();
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
                await AnswerAsync(await _listener.GetContextAsync());
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, context.Request.RawUrl);
        request.Headers.TryAddWithoutValidation("Authorization", context.Request.Headers["Authorization"]);
        using var answer = await _server.SendAsync(request);
        var body = _change(context.Request.RawUrl!.Split('?')[0], await answer.Content.ReadAsByteArrayAsync());
        context.Response.StatusCode = (int)answer.StatusCode;
        context.Response.ContentType = answer.Content.Headers.ContentType?.ToString();
        context.Response.SendChunked = true;
        try
        {
            await context.Response.OutputStream.WriteAsync(body);
            context.Response.Close();
        }
        catch (Exception e) when (e is HttpListenerException or IOException or ObjectDisposedException)
        {
            // Whoever asked has heard enough.
        }
    }
}
