using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using ContentTree.Deploy;
using ContentTree.Deploy.Agent;
using ContentTree.Tests.Deploy;

namespace ContentTree.Tests.Agent;

/// <summary>A device's agent that shows its page, and a browser without scripts that looks at it.</summary>
internal sealed partial class TestPage : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly ServiceNotifier _notifier = new(null, null);
    private readonly HttpClient _browser;
    private readonly Task _agent;

    private TestPage(TestDevice device, int port, TimeProvider clock)
    {
        Address = new Uri($"http://127.0.0.1:{port}/");
        _browser = Browser();
        _agent = AgentHost.RunAsync(new DeviceRoot(device.Root, IsGiven: true), _notifier, clock, Said.Enqueue, _stop.Token);
    }

    public Uri Address { get; }

    public ConcurrentQueue<string> Said { get; } = new();

    /// <summary>Runs the agent with its page at a free port of this machine.</summary>
    public static async Task<TestPage> StartAsync(TestDevice device, string more = "", TimeProvider? clock = null)
    {
        var port = FreePort();
        device.Configure($"[page]\nlisten = 127.0.0.1:{port}\n{more}\n");
        var page = new TestPage(device, port, clock ?? TimeProvider.System);
        await page.SaysAsync("the device's page is at");
        return page;
    }

    /// <summary>Another browser, which knows nothing of the first one's cookies.</summary>
    public HttpClient Browser() => new(new SocketsHttpHandler { AllowAutoRedirect = true, UseProxy = false, CookieContainer = new CookieContainer() }) { BaseAddress = Address };

    public async Task SaysAsync(string text)
    {
        for (var tries = 0; !Said.Any(line => line.Contains(text, StringComparison.Ordinal)); tries++)
        {
            tries.Should().BeLessThan(600, $"'{text}' should come; there was {string.Join('\n', Said)}");
            await Task.Delay(50);
        }
    }

    public async Task<string> GetAsync(string path = "/")
    {
        using var answer = await _browser.GetAsync(path);
        return await answer.Content.ReadAsStringAsync();
    }

    /// <summary>Looks again, as the page does by itself, until there is a text.</summary>
    public async Task<string> ShowsAsync(string text)
    {
        for (var tries = 0; ; tries++)
        {
            var page = await GetAsync();
            if (Plain(page).Contains(text, StringComparison.Ordinal))
                return page;
            tries.Should().BeLessThan(400, $"'{text}' should come; there is {Plain(page)}");
            await Task.Delay(50);
        }
    }

    /// <summary>Presses the button of a form that stands on a page.</summary>
    public async Task<(HttpStatusCode Status, string Page)> PressAsync(string action, string on = "/", params (string Name, string Value)[] fields)
    {
        using var form = new FormUrlEncodedContent(fields.Prepend(("token", Token(await GetAsync(on)))).ToDictionary(f => f.Item1, f => f.Item2));
        using var answer = await _browser.PostAsync(action, form);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    public async Task<(HttpStatusCode Status, string Page)> UploadAsync(byte[] bundle, string? token = null)
    {
        using var form = Form(token ?? Token(await GetAsync()), bundle);
        using var answer = await _browser.PostAsync("/upload", form);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    public async Task<(HttpStatusCode Status, string Page)> SendAsync(HttpRequestMessage request)
    {
        using var answer = await _browser.SendAsync(request);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>What some bytes get; all of it until the device hangs up.</summary>
    public async Task<string> SayAsync(string request)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 20_000 };
        await socket.ConnectAsync(Address.Host, Address.Port);
        await socket.SendAsync(Encoding.Latin1.GetBytes(request));
        await using var stream = new NetworkStream(socket);
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync();
    }

    public static MultipartFormDataContent Form(string token, byte[] bundle) => new()
    {
        { new StringContent(token) { Headers = { ContentType = null } }, "\"token\"" },
        { new ByteArrayContent(bundle), "\"bundle\"", "\"a.ctb\"" },
    };

    public static string Token(string page) => TokenField().Match(page) is { Success: true } found ? found.Groups[1].Value : "";

    /// <summary>A page's text as people read it.</summary>
    public static string Plain(string page) => WebUtility.HtmlDecode(Tags().Replace(page, ""));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _agent.WaitAsync(TimeSpan.FromSeconds(20));
        _browser.Dispose();
        _notifier.Dispose();
        _stop.Dispose();
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    [GeneratedRegex("name=\"token\" value=\"([^\"]*)\"")]
    private static partial Regex TokenField();

    [GeneratedRegex("<[^>]*>")]
    private static partial Regex Tags();
}
