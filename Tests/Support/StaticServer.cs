using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace ContentTree.Tests.Support;

/// <summary>A web server that knows nothing but files: below <c>/repo</c> those of a repository, and nothing else.</summary>
internal sealed class StaticServer : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly string _repository;

    public StaticServer(string repository)
    {
        _repository = repository;
        using (var free = new TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            Url = $"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}";
        }
        _listener.Prefixes.Add(Url + "/");
        _listener.Start();
        _ = Task.Run(ServeAsync);
    }

    public string Url { get; }

    /// <summary>What it answers where a file is missing; buckets that nobody may list say 403.</summary>
    public int Missing { get; set; } = 404;

    /// <summary>The paths that were asked for.</summary>
    public ConcurrentQueue<string> Asked { get; } = new();

    /// <summary>Those of archived heads and of commits.</summary>
    public string[] AskedOnTheWay => [.. Asked.Where(p => p.StartsWith("/repo/history/", StringComparison.Ordinal) || p.EndsWith(".commit", StringComparison.Ordinal))];

    public void Dispose() => _listener.Close();

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            var context = await _listener.GetContextAsync();
            var path = context.Request.Url!.AbsolutePath;
            Asked.Enqueue(path);
            var file = path.StartsWith("/repo/", StringComparison.Ordinal) ? Path.Combine(_repository, path["/repo/".Length..]) : "";
            if (context.Request.HttpMethod == "GET" && File.Exists(file))
            {
                context.Response.ContentType = "application/octet-stream";
                await context.Response.OutputStream.WriteAsync(await File.ReadAllBytesAsync(file));
            }
            else
            {
                context.Response.StatusCode = context.Request.HttpMethod == "GET" ? Missing : 405;
            }
            context.Response.Close();
        }
    }
}
