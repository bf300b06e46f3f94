using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ContentTree.Tests.Server.Ostree;

/// <summary>Gives out the files of a directory over HTTP, as any web server does, and remembers what was asked for.</summary>
internal sealed class StaticServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly string _root;

    private StaticServer(string root)
    {
        _root = root;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.Urls.Add("http://127.0.0.1:0");
        _app.Run(AnswerAsync);
    }

    public string Address => _app.Urls.First() + "/repo";

    public ConcurrentBag<string> Requests { get; } = [];

    /// <summary>What to answer instead of the file; null for the file.</summary>
    public Func<string, HttpStatusCode?> Answer { get; set; } = _ => null;

    /// <summary>NAME:PASSWORD that is asked for; null for none.</summary>
    public string? Password { get; set; }

    public static StaticServer Start(string root)
    {
        var server = new StaticServer(root);
        server._app.Start();
        return server;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        var file = Path.Combine(_root, path["/repo/".Length..]);
        if (Password is not null && context.Request.Headers.Authorization != "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(Password)))
        {
            context.Response.StatusCode = 401;
            context.Response.Headers.WWWAuthenticate = "Basic realm=\"x\"";
            return;
        }
        Requests.Add(path);
        context.Response.StatusCode = (int)(Answer(path) ?? (File.Exists(file) ? HttpStatusCode.OK : HttpStatusCode.NotFound));
        if (context.Response.StatusCode == 200)
            await context.Response.SendFileAsync(file);
    }
}
