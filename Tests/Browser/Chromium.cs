using System.Diagnostics;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Browser;

/// <summary>
/// The real browser without a window, driven over its own debugging protocol. Everything that a page complains about is kept: exceptions,
/// console errors, refusals of the content policy.
/// </summary>
internal sealed class Chromium : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TemporaryDirectory _profile = new();
    private readonly Process _process;
    private readonly ClientWebSocket _socket = new();
    private readonly Dictionary<int, TaskCompletionSource<JsonNode>> _answers = [];
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _ended = new();
    private Task _reading = Task.CompletedTask;
    private int _sent;

    private Chromium() => _process = Process.Start(new ProcessStartInfo(Program, [
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions", "--disable-background-networking",
        "--disable-component-update", "--hide-scrollbars", "--force-device-scale-factor=1", "--remote-debugging-port=0", $"--user-data-dir={_profile.Path}", "about:blank",
    ])
    { RedirectStandardError = true, RedirectStandardOutput = true })!;

    public static string Program => "/usr/bin/chromium";

    /// <summary>What pages complained about.</summary>
    public List<string> Complaints { get; } = [];

    /// <summary>Answers to the pages' own questions (alert, confirm): none is ever asked.</summary>
    public int Dialogs { get; private set; }

    public static async Task<Chromium> StartAsync()
    {
        var browser = new Chromium();
        await browser.ConnectAsync();
        return browser;
    }

    public async Task GoAsync(string url)
    {
        await SendAsync("Page.navigate", new JsonObject { ["url"] = url });
        await ReadyAsync(url);
    }

    /// <summary>Waits until the page of the newest navigation stands.</summary>
    public async Task ReadyAsync(string? url = null)
    {
        await UntilAsync("document.readyState === 'complete' && location.href !== 'about:blank'" + (url is null ? "" : $" && !document.documentElement.dataset.left"));
    }

    /// <summary>Waits until an expression is true in the page.</summary>
    public async Task UntilAsync(string expression)
    {
        var start = Stopwatch.GetTimestamp();
        while (await TryEvaluateAsync(expression) is not JsonValue value || value.GetValueKind() != JsonValueKind.True)
        {
            if (Stopwatch.GetElapsedTime(start) > Patience)
                throw new TimeoutException($"{expression} never came true; the page has: {await TryEvaluateAsync("document.title + document.body.innerText.slice(0, 2000)")}");
            await Task.Delay(50);
        }
    }

    public async Task<string> TextAsync() => (await EvaluateAsync("document.body.innerText"))?.GetValue<string>() ?? "";

    public Task<string> TitleAsync() => StringAsync("document.title");

    public async Task<string> StringAsync(string expression) => (await EvaluateAsync(expression))?.GetValue<string>() ?? "";

    public async Task<double> NumberAsync(string expression) => (await EvaluateAsync(expression))?.GetValue<double>() ?? double.NaN;

    /// <summary>Clicks where the element is, as a hand would: it works without scripts in the page.</summary>
    public async Task ClickAsync(string selector, string? text = null)
    {
        var point = await PointAsync(selector, text);
        foreach (var kind in new[] { "mousePressed", "mouseReleased" })
            await SendAsync("Input.dispatchMouseEvent", new JsonObject { ["type"] = kind, ["x"] = point.X, ["y"] = point.Y, ["button"] = "left", ["clickCount"] = 1 });
    }

    /// <summary>Clicks what leads to another page, and waits for that.</summary>
    public async Task FollowAsync(string selector, string? text = null)
    {
        await EvaluateAsync("document.documentElement.dataset.left = '1'");
        await ClickAsync(selector, text);
        await UntilAsync("!document.documentElement.dataset.left && document.readyState === 'complete'");
    }

    public async Task TypeAsync(string selector, string text)
    {
        await ClickAsync(selector);
        await SendAsync("Input.insertText", new JsonObject { ["text"] = text });
    }

    /// <summary>Presses a key as on a keyboard.</summary>
    public async Task PressAsync(string key, int code, string? text = null, bool shift = false)
    {
        foreach (var kind in new[] { "keyDown", "keyUp" })
        {
            var pressed = new JsonObject { ["type"] = kind, ["key"] = key, ["code"] = key, ["windowsVirtualKeyCode"] = code, ["modifiers"] = shift ? 8 : 0 };
            if (text is not null && kind == "keyDown")
                pressed["text"] = text;
            await SendAsync("Input.dispatchKeyEvent", pressed);
        }
    }

    public Task TabAsync() => PressAsync("Tab", 9);

    public Task EnterAsync() => PressAsync("Enter", 13, "\r");

    public Task InsertAsync(string text) => SendAsync("Input.insertText", new JsonObject { ["text"] = text });

    public async Task ChooseFileAsync(string selector, string path)
    {
        var document = await SendAsync("DOM.getDocument", []);
        var found = await SendAsync("DOM.querySelector", new JsonObject { ["nodeId"] = document["root"]!["nodeId"]!.DeepClone(), ["selector"] = selector });
        await SendAsync("DOM.setFileInputFiles", new JsonObject { ["files"] = new JsonArray(path), ["nodeId"] = found["nodeId"]!.DeepClone() });
    }

    /// <summary>Switches the pages' scripts off; this driver's own still run.</summary>
    public Task WithoutScriptsAsync() => SendAsync("Emulation.setScriptExecutionDisabled", new JsonObject { ["value"] = true });

    public async Task LookAsync(int width, int height, bool dark)
    {
        await SendAsync("Emulation.setDeviceMetricsOverride", new JsonObject { ["width"] = width, ["height"] = height, ["deviceScaleFactor"] = 1, ["mobile"] = false });
        await SendAsync("Emulation.setEmulatedMedia", new JsonObject { ["features"] = new JsonArray(new JsonObject { ["name"] = "prefers-color-scheme", ["value"] = dark ? "dark" : "light" }) });
    }

    public async Task<byte[]> PictureAsync(int width, int height) => Convert.FromBase64String((await SendAsync("Page.captureScreenshot", new JsonObject
    {
        ["format"] = "png",
        ["captureBeyondViewport"] = true,
        ["clip"] = new JsonObject { ["x"] = 0, ["y"] = 0, ["width"] = width, ["height"] = height, ["scale"] = 1 },
    }))["data"]!.GetValue<string>());

    public async Task<JsonNode?> EvaluateAsync(string expression)
    {
        var answer = await SendAsync("Runtime.evaluate", new JsonObject { ["expression"] = expression, ["returnByValue"] = true, ["awaitPromise"] = true });
        return answer["exceptionDetails"] is { } failed ? throw new InvalidOperationException($"{expression}: {failed}") : answer["result"]?["value"]?.DeepClone();
    }

    public async Task<JsonNode> SendAsync(string method, JsonObject parameters)
    {
        var answered = new TaskCompletionSource<JsonNode>(TaskCreationOptions.RunContinuationsAsynchronously);
        int id;
        lock (_lock)
            _answers[id = ++_sent] = answered;
        var message = JsonSerializer.SerializeToUtf8Bytes(new JsonObject { ["id"] = id, ["method"] = method, ["params"] = parameters });
        await _socket.SendAsync(message, WebSocketMessageType.Text, true, _ended.Token);
        return await answered.Task.WaitAsync(Patience);
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        await _reading.ContinueWith(_ => { }, TaskScheduler.Default);
        _process.Dispose();
        _socket.Dispose();
        _ended.Dispose();
        _profile.Dispose();
    }

    private async Task ConnectAsync()
    {
        const string prefix = "DevTools listening on ";
        var said = new List<string>();
        string? line;
        while ((line = await _process.StandardError.ReadLineAsync()) is not null && !line.StartsWith(prefix, StringComparison.Ordinal))
            said.Add(line);
        if (line is null)
            throw new InvalidOperationException($"chromium did not start: {string.Join('\n', said)}");
        _ = _process.StandardError.ReadToEndAsync();
        using var http = new HttpClient();
        var port = new Uri(line[prefix.Length..]).Port;
        var pages = JsonNode.Parse(await http.GetStringAsync($"http://127.0.0.1:{port}/json"))!.AsArray();
        await _socket.ConnectAsync(new Uri(pages.First(p => p!["type"]!.GetValue<string>() == "page")!["webSocketDebuggerUrl"]!.GetValue<string>()), _ended.Token);
        _reading = Task.Run(ReadAsync);
        foreach (var part in new[] { "Page", "Runtime", "Log", "DOM", "Network" })
            await SendAsync(part + ".enable", []);
    }

    private async Task ReadAsync()
    {
        var buffer = new byte[1 << 16];
        using var message = new MemoryStream();
        while (!_ended.IsCancellationRequested)
        {
            var part = await _socket.ReceiveAsync(buffer, _ended.Token);
            message.Write(buffer, 0, part.Count);
            if (!part.EndOfMessage)
                continue;
            Take(JsonNode.Parse(message.ToArray())!);
            message.SetLength(0);
        }
    }

    private void Take(JsonNode message)
    {
        if (message["id"]?.GetValue<int>() is { } id)
        {
            lock (_lock)
            {
                _answers.Remove(id, out var answered);
                answered?.SetResult(message["result"]?.DeepClone() ?? new JsonObject { ["exceptionDetails"] = message["error"]?.DeepClone() });
            }
            return;
        }
        var parameters = message["params"] ?? new JsonObject();
        switch (message["method"]?.GetValue<string>())
        {
            case "Page.javascriptDialogOpening":
                Dialogs++;
                Complaints.Add($"dialog: {parameters}");
                break;
            case "Runtime.exceptionThrown":
                Complaints.Add($"exception: {parameters}");
                break;
            case "Runtime.consoleAPICalled" when WordOf(parameters, "type") is "error" or "warning" or "assert":
                Complaints.Add($"console: {parameters}");
                break;
            case "Log.entryAdded" when WordOf(parameters["entry"], "level") is "error" or "warning":
                Complaints.Add($"log: {parameters["entry"]}");
                break;
        }
    }

    private static string? WordOf(JsonNode? node, string name) => node?[name]?.GetValue<string>();

    private async Task<JsonNode?> TryEvaluateAsync(string expression)
    {
        try
        {
            return await EvaluateAsync(expression);
        }
        catch (InvalidOperationException)
        {
            // Between two pages there is none to ask.
            return null;
        }
    }

    private async Task<(double X, double Y)> PointAsync(string selector, string? text)
    {
        var script = $$"""
            (() => {
              const all = [...document.querySelectorAll({{JsonSerializer.Serialize(selector)}})].filter(e => e.getClientRects().length && ({{JsonSerializer.Serialize(text)}} === null || e.textContent.trim().includes({{JsonSerializer.Serialize(text)}})));
              if (!all.length) return null;
              all[0].scrollIntoView({ block: "center", behavior: "instant" });
              const r = all[0].getBoundingClientRect();
              return [r.x + Math.min(r.width / 2, 60), r.y + r.height / 2];
            })()
            """;
        var found = await EvaluateAsync(script) as JsonArray ?? throw new InvalidOperationException($"no {selector} '{text}' on {await TitleAsync()}: {await TextAsync()}");
        return (found[0]!.GetValue<double>(), found[1]!.GetValue<double>());
    }
}
