using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using ContentTree.Store.Protocol;

namespace ContentTree.Tests.Server;

/// <summary>What goes over the wire to the server: requests that two readers may read differently, and where tokens may show.</summary>
public sealed class WireTests
{
    private const string Devices = "GET /api/v1/devices HTTP/1.1\r\nHost: x\r\n";

    [Theory]
    [InlineData("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200)]
    [InlineData("POST /api/v1/poll HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde", 400)]
    [InlineData("POST /api/v1/poll HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400)]
    [InlineData("POST /api/v1/poll HTTP/1.1\r\nHost: x\r\nContent-Length: 4, 4\r\n\r\nabcd", 400)]
    [InlineData("POST /api/v1/poll HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400)]
    [InlineData("POST /api/v1/poll HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400)]
    [InlineData("GET /healthz HTTP/1.1\r\n\r\n", 400)]
    [InlineData("GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400)]
    [InlineData("GET /healthz HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", 400)]
    [InlineData("GET /healthz HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400)]
    [InlineData("GET /healthz HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n", 400)]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400)]
    public async Task A_request_that_can_be_read_in_two_ways_is_refused(string request, int status)
    {
        await using var server = await TestServer.StartAsync();
        var answer = await AskAsync(server, request);
        if (request.StartsWith("PRI", StringComparison.Ordinal))
            answer.Should().NotContain("200 OK", "HTTP/2 and its resets are not spoken");
        else
            answer.Should().StartWith($"HTTP/1.1 {status} ");
    }

    [Fact]
    public async Task What_stands_behind_a_chunked_body_is_no_second_request_by_another_count()
    {
        await using var server = await TestServer.StartAsync();
        // By the length the body ends after the smuggled line, by the chunks before it: only one of the two may count, and the connection ends.
        var smuggled = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
        var answer = await AskAsync(server, $"POST /api/v1/poll HTTP/1.1\r\nHost: x\r\nContent-Length: {5 + smuggled.Length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}");
        answer.Split("HTTP/1.1 ").Skip(1).Should().NotContain(part => part.StartsWith("200", StringComparison.Ordinal));
    }

    [Fact]
    public async Task More_headers_longer_ones_and_longer_lines_than_anybody_needs_are_refused()
    {
        await using var server = await TestServer.StartAsync();
        var many = string.Concat(Enumerable.Range(0, 500).Select(i => $"X-{i}: y\r\n"));
        (await AskAsync(server, $"{Devices}{many}\r\n")).Should().StartWith("HTTP/1.1 431 ");
        (await AskAsync(server, $"{Devices}X: {new string('y', 1 << 20)}\r\n\r\n")).Should().StartWith("HTTP/1.1 431 ");
        (await AskAsync(server, $"GET /{new string('y', 1 << 20)} HTTP/1.1\r\nHost: x\r\n\r\n")).Should().StartWith("HTTP/1.1 414 ");
    }

    [Theory]
    [InlineData("?token=")]
    [InlineData("?access_token=")]
    [InlineData("?authorization=Bearer%20")]
    public async Task A_token_in_an_address_opens_nothing(string where)
    {
        await using var server = await TestServer.StartAsync();
        using var refused = await server.Http.GetAsync($"{Routes.Devices}{where}{server.Admin}");
        refused.StatusCode.Should().Be(HttpStatusCode.Unauthorized);
        using var asked = new HttpRequestMessage(HttpMethod.Get, Routes.Devices);
        asked.Headers.TryAddWithoutValidation("Authorization", $"Bearer {server.Admin}");
        using var taken = await server.Http.SendAsync(asked);
        taken.StatusCode.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task No_proxy_of_the_environment_hears_the_token_of_a_server_on_this_machine()
    {
        await using var server = await TestServer.StartAsync();
        using var proxy = new TcpListener(IPAddress.Loopback, 0);
        proxy.Start();
        var start = new ProcessStartInfo("dotnet", [ServerProcess.Program, "device", "list", "--server", server.Url, "--token", server.Admin]) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (var name in new[] { "http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" })
            start.Environment[name] = $"http://127.0.0.1:{((IPEndPoint)proxy.LocalEndpoint).Port}";
        start.Environment.Remove("no_proxy");
        start.Environment.Remove("NO_PROXY");
        using var process = Process.Start(start)!;
        var ended = process.WaitForExitAsync();
        while (!ended.IsCompleted && !proxy.Pending())
            await Task.WhenAny(ended, Task.Delay(50));
        proxy.Pending().Should().BeFalse("whoever listens there would read the token");
        await ended;
        process.ExitCode.Should().Be(0, await process.StandardError.ReadToEndAsync());
    }

    [Theory]
    [InlineData("http://192.0.2.1:9", true)]
    [InlineData("http://update.test", true)]
    [InlineData("http://127.0.0.1.update.test", true)]
    [InlineData("https://127.0.0.1:9", false)]
    [InlineData("http://127.0.0.1:9", false)]
    [InlineData("http://[::1]:9", false)]
    [InlineData("http://localhost:9", false)]
    public async Task No_token_is_sent_without_tls_to_another_machine_unless_somebody_allows_it(string url, bool isReadable)
    {
        foreach (string[] verb in new string[][] { ["device", "list"], ["branch", "list"], ["show", "stable"], ["publish", ".", "--branch", "a"] })
        {
            var refused = await RunBrieflyAsync([.. verb, "--server", url, "--token", "ctree-x.y"]);
            if (isReadable)
                (refused.Exit, refused.Error).Should().Match<(int Exit, string Error)>(r => r.Exit == 2 && r.Error.Contains("could read the token") && !r.Error.Contains("ctree-x"));
            else
                refused.Error.Should().NotContain("could read the token");
        }
        (await RunBrieflyAsync("device", "list", "--server", url, "--token", "ctree-x.y", "--allow-http")).Error.Should().NotContain("could read the token");
    }

    // Nobody answers at these addresses: what is of interest comes before that.
    private static async Task<ServerCommand> RunBrieflyAsync(params string[] words)
    {
        var run = ServerCommand.RunAsync(words);
        return await Task.WhenAny(run, Task.Delay(TimeSpan.FromSeconds(3))) == run ? await run : new ServerCommand(-1, "", "");
    }

    [Fact]
    public async Task What_the_server_logs_has_no_token_in_it()
    {
        using var directory = new Support.TemporaryDirectory();
        var (process, url) = await ServerProcess.ServeAsync(directory["data"]);
        string[] secrets;
        using (process)
        {
            using var http = new HttpClient { BaseAddress = new Uri(url) };
            var admin = System.Text.RegularExpressions.Regex.Match(process.Said, @"[0-9a-z]+\.[0-9A-Za-z_-]{20,}").Value;
            admin.Should().NotBeEmpty();
            var made = await ServerCommand.DoAsync("--data", directory["data"], "token", "create", "--enrol");
            secrets = [admin.Split('.')[1], made.Out.Trim().Split('.')[^1], "never-to-be-written-down"];
            foreach (var token in new[] { admin, made.Out.Trim(), "x.never-to-be-written-down" })
            {
                foreach (var address in new[] { Routes.Devices, $"{Routes.Devices}?token={token}", $"/{token}", Routes.Poll })
                {
                    using var request = new HttpRequestMessage(address == Routes.Poll ? HttpMethod.Post : HttpMethod.Get, address);
                    request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token}");
                    (await http.SendAsync(request)).Dispose();
                }
            }
            using var device = Deploy.TestDevice.Unset();
            (await device.RunAsync("init", "--server", url, "--branch", "main", "--token", made.Out.Trim(), "--unprivileged")).Code.Should().Be(0);
            await process.SignalAsync("TERM");
            secrets.Should().OnlyContain(secret => secret.Length > 15);
            process.Error.Should().Contain("enrolled");
            foreach (var secret in secrets)
                process.Error.Should().NotContain(secret);
        }
    }

    private static async Task<string> AskAsync(TestServer server, string request)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync("127.0.0.1", new Uri(server.Url).Port);
        var stream = socket.GetStream();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        try
        {
            await stream.WriteAsync(Encoding.Latin1.GetBytes(request), patience.Token);
        }
        catch (IOException)
        {
            // It has answered and hung up before it had heard all.
        }
        var answer = new StringBuilder();
        var buffer = new byte[4096];
        try
        {
            // Until it hangs up, or has nothing more to say.
            for (int read; (read = await stream.ReadAsync(buffer, patience.Token)) > 0; patience.CancelAfter(TimeSpan.FromSeconds(5)))
                answer.Append(Encoding.Latin1.GetString(buffer, 0, read));
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
        }
        return answer.ToString();
    }
}
