using System.Net.Http.Headers;
using ContentTree.Server.Endpoints;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Support;
using Microsoft.AspNetCore.Routing;

namespace ContentTree.Tests.Server;

/// <summary>A real server on a free port, with its data and a source directory in a temporary folder.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private readonly TemporaryDirectory _temporary = new();
    private ServerHost _host;

    private TestServer(string? data)
    {
        DataPath = data ?? _temporary["data"];
        TestStorage.Prepare(DataPath);
        Data = DataDirectory.Create(DataPath, Time);
        Admin = new Tokens(Data.OpenDatabase(), Time).CreateFirstAdmin()?.Token ?? "";
        Directory.CreateDirectory(Source);
        _host = NewHost();
    }

    public AdjustableTime Time { get; } = new();

    public DataDirectory Data { get; }

    public string DataPath { get; }

    /// <summary>A directory to publish, empty at first.</summary>
    public string Source => _temporary["source"];

    /// <summary>Where remote publishes keep their objects.</summary>
    public string Cache => _temporary["publisher-cache"];

    public string Admin { get; }

    public string Url { get; private set; } = "";

    /// <summary>Talks to the server without any token.</summary>
    public HttpClient Http { get; private set; } = new();

    /// <param name="data">What it serves, as it is; null for new data of its own.</param>
    public static async Task<TestServer> StartAsync(string? data = null)
    {
        var server = new TestServer(data);
        await server.ListenAsync();
        return server;
    }

    public string this[string relative] => _temporary[relative];

    /// <summary>Of the next start; makes no deltas by itself unless told so.</summary>
    public ServerOptions Options { get; set; } = new() { Urls = "http://127.0.0.1:0", PollInterval = TimeSpan.FromSeconds(1800), HeadScan = TimeSpan.FromMilliseconds(50) };

    /// <summary>Stops and starts the server on the same data, on another port.</summary>
    /// <param name="away">How long nobody served.</param>
    public async Task RestartAsync(bool withoutDatabase = false, TimeSpan away = default)
    {
        await _host.DisposeAsync();
        Time.Ahead += away;
        if (withoutDatabase)
            TestStorage.Lose(DataPath);
        _host = NewHost();
        await ListenAsync();
    }

    /// <summary>The routes that it really has, each with its methods.</summary>
    public IReadOnlyList<(string Method, string Pattern)> Routes =>
        [.. _host.Routes.SelectMany(route => (route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["ANY"]).Select(method => (method, route.RoutePattern.RawText!)))];

    public void WriteSource(string name, string content)
    {
        var path = Path.Combine(Source, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
    }

    /// <summary>Writes <c>server.conf</c>; where the server keeps its state is not changed by it.</summary>
    public void WriteSettings(string text) => TestStorage.WriteSettings(DataPath, text);

    /// <summary>What people may say of devices.</summary>
    public PolicyChanges Policies()
    {
        var database = Data.OpenDatabase();
        return new PolicyChanges(Data, database, new Decisions(Data, database, Time), Time);
    }

    /// <summary>Publishes the source as it is now.</summary>
    public PublishResult Publish(string branch = "stable", string version = "") =>
        new Publisher(Data, Time).Publish(new PublishOptions { Branch = BranchName.Parse(branch), Source = Source, Version = version }, CancellationToken.None);

    public string NewToken(string role, long? uses = null, DateTimeOffset? expires = null) =>
        new Tokens(Data.OpenDatabase(), Time).Create(new TokenRequest(role, uses, expires)).Token;

    public Devices Devices()
    {
        var database = Data.OpenDatabase();
        return new Devices(database, new Tokens(database, Time), Time);
    }

    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? content = null, string? token = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        if (token is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return await Http.SendAsync(request);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _host.DisposeAsync();
        Data.Dispose();
        TestStorage.End();
        _temporary.Dispose();
    }

    private ServerHost NewHost() => new(Data, Time, Options);

    private async Task ListenAsync()
    {
        Url = (await _host.StartAsync(CancellationToken.None)).Single();
        Http.Dispose();
        Http = new HttpClient { BaseAddress = new Uri(Url) };
    }
}
