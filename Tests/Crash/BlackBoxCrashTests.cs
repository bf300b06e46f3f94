using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using ContentTree.BootFile;
using ContentTree.Server.Storage;
using ContentTree.Tests.Deploy;
using ContentTree.Tests.Support;
using Xunit.Abstractions;

namespace ContentTree.Tests.Crash;

/// <summary>
/// The agent killed at any call that changes a file system while it settles a fallback and hands its black box over: the box comes once,
/// or once more and the same, and never in half.
/// </summary>
[Trait("Category", "Slow")]
public sealed class BlackBoxCrashTests(ITestOutputHelper output) : IAsyncLifetime, IDisposable
{
    private const int MostShown = 8;

    private readonly TemporaryDirectory _temporary = new();
    private TestServer _server = null!;
    private string _failed = "";

    private string Prepared => _temporary["prepared"];

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        using var device = new TestDevice(Prepared);
        device.Configure("connections = 1\n[poll]\ninterval = 1h\nretry-min = 1s\nretry-max = 1s\n");
        (await device.RunAsync(["init", "--server", _server.Link.Url, "--branch", "main", "--token", _server.Token(), .. DeviceStates.Rights])).Code.Should().Be(0);
        _server.Publish("mkdir -p usr etc; echo 1 > usr/file");
        await device.TakeAsync();
        _server.Publish("mkdir -p usr etc; echo 2 > usr/file");
        await device.UpdateAsync();
        _failed = device.BootNow();
        while (device.Boot.Read()!.State == BootState.Trial)
            device.BootNow();
        await File.WriteAllTextAsync(Path.Combine(device.Layout.State, "trial.txt"), new string('x', 20_000) + "\nlast words\n");
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public async Task Killed_at_any_call_the_agent_loses_no_black_box_and_sends_none_in_half()
    {
        var log = _temporary["calls"];
        var (whole, _) = await RunAsync("whole", fault: null, log);
        whole.Should().Contain("last words");
        var calls = await File.ReadAllLinesAsync(log);
        var last = Array.FindLastIndex(calls, line => line.Contains(".sent", StringComparison.Ordinal)) + 2;
        var kills = CrashProfile.Spread(last, CrashProfile.BlackBoxKills).ToArray();
        var failures = new List<string>();
        foreach (var kill in kills)
        {
            if (await TryAsync(kill, Shape(whole!)) is { } failure)
                failures.Add($"killed at call {kill} ({calls.ElementAtOrDefault((int)kill - 1)}): {failure}");
        }
        var summary = $"black box: {kills.Length} kills, {last} calls from the agent's start to its receipt, {failures.Count} failed";
        output.WriteLine(summary);
        CrashProfile.Record(summary);
        failures.Take(MostShown).Should().BeEmpty(summary);
    }

    [Fact]
    public async Task Killed_while_it_takes_a_black_box_the_server_has_it_whole_or_not_at_all_and_gets_it_again()
    {
        var log = _temporary["served"];
        var url = FreeAddress();
        File.AppendAllText(Path.Combine(Prepared, "etc/ctree/agent.conf"), $"[server]\nurl = {url}\n");
        var data = CopyData("whole-data");
        long first;
        using (var server = FaultyProgram.Serve(data, url, fault: null, log))
        {
            await ListensAsync(server, url);
            first = (await File.ReadAllLinesAsync(log)).Length;
            await SendAsync(CopyDevice("whole-device"), server);
            server.Kill();
        }
        var whole = Shape(Received(data)!);
        whole.Should().Contain("last words");
        var last = (await File.ReadAllLinesAsync(log)).Length;
        var failures = new List<string>();
        var (kills, hits) = (CrashProfile.Spread(last - first, CrashProfile.BlackBoxKills / 3).Select(call => first + call).ToArray(), 0);
        foreach (var kill in kills)
        {
            (data, var device) = (CopyData($"data{kill}"), CopyDevice($"device{kill}"));
            using (var server = FaultyProgram.Serve(data, url, new Fault.Kill(kill), log: null))
            {
                await SendAsync(device, server);
                hits += server.HasExited ? 1 : 0;
                server.Kill();
                await server.WaitForExitAsync();
            }
            if (Received(data) is { } some && Shape(some) != whole || Received(data) is null && File.Exists(Box(device, ".sent")))
                failures.Add($"killed at call {kill}: it has {Received(data)?.Length} characters, and the device a receipt: {File.Exists(Box(device, ".sent"))}");
            using var again = FaultyProgram.Serve(data, url, fault: null, log: null);
            await ListensAsync(again, url);
            await SendAsync(device, again);
            again.Kill();
            await again.WaitForExitAsync();
            if (Received(data) is not { } received || Shape(received) != whole)
                failures.Add($"killed at call {kill}: the next server did not get it");
        }
        var summary = $"black box: {kills.Length} servers, {hits} of them killed while they took it, {last - first} calls, {failures.Count} failed";
        output.WriteLine(summary);
        CrashProfile.Record(summary);
        failures.Should().BeEmpty(summary);
        hits.Should().BePositive(summary);
    }

    private static string FreeAddress()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return $"http://{listener.LocalEndpoint}";
    }

    private string CopyData(string name)
    {
        Shell.Run($"cp -a '{_server.Data.Path}' '{_temporary[name]}'");
        return _temporary[name];
    }

    private string CopyDevice(string name)
    {
        Shell.Run($"cp -a '{Prepared}' '{_temporary[name]}'");
        return _temporary[name];
    }

    private static async Task ListensAsync(Process server, string url)
    {
        using var http = new HttpClient();
        await Eventually.TrueAsync(async () =>
        {
            server.HasExited.Should().BeFalse();
            try
            {
                return (await http.GetAsync($"{url}/healthz")).IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        });
    }

    // Until the device has its receipt, or the server is no more.
    private Task SendAsync(string device, Process server) =>
        FaultyProgram.RunUntilAsync(device, ["agent"], fault: null, log: null, () => File.Exists(Box(device, ".sent")) || server.HasExited);

    private static string? Received(string data)
    {
        using var opened = DataDirectory.Open(data);
        using var connection = opened.OpenDatabase().Connect();
        return connection.Query("SELECT text FROM black_boxes", row => row.GetString(0)).SingleOrDefault();
    }

    private async Task<string?> TryAsync(long kill, string whole)
    {
        var name = $"kill{kill}";
        try
        {
            var (sent, device) = await RunAsync(name, new Fault.Kill(kill), log: null);
            if (sent is not null)
                Shape(sent).Should().Be(whole, "what has come is whole");
            if (sent is null && new BootSlots(Path.Combine(device, "ctree/boot")).Read()!.State != BootState.Fallback)
                File.Exists(Box(device, ".txt")).Should().BeTrue("what the server has not got is on the device");
            var (again, _) = await RunAsync(name, fault: null, log: null);
            Shape(again!).Should().Be(whole);
            if (sent is not null)
                again.Should().Be(sent, "a second time it is the same");
            (await FaultyProgram.RunAsync(device, ["gc"], fault: null)).Code.Should().Be(0);
            Directory.GetFiles(Path.GetDirectoryName(Box(device, ""))!).Should().Equal(Box(device, ".sent"));
            return null;
        }
        catch (Exception e)
        {
            return e.Message;
        }
    }

    /// <summary>The agent of a device, until it is killed or has its receipt; what the server has then.</summary>
    private async Task<(string? Box, string Device)> RunAsync(string name, Fault? fault, string? log)
    {
        var device = _temporary[name];
        if (!Directory.Exists(device))
        {
            Shell.Run($"cp -a '{Prepared}' '{device}'");
            using var connection = _server.Data.OpenDatabase().Connect();
            connection.Execute("DELETE FROM black_boxes");
        }
        await FaultyProgram.RunUntilAsync(device, ["agent"], fault, log, () => File.Exists(Box(device, ".sent")));
        var boxes = new BlackBoxes(_server.Data.OpenDatabase(), TimeProvider.System);
        var id = _server.Devices.List(10, null).Single().Id;
        var known = boxes.List(id);
        known.Should().HaveCountLessThanOrEqualTo(1);
        return (known is [var box] ? boxes.Read(id, box.Deployment).Text : null, device);
    }

    private string Box(string device, string suffix) => Path.Combine(device, "ctree/state/blackbox", _failed + suffix);

    // The time is of when it was written.
    private static string Shape(string box) => string.Join('\n', box.Split('\n').Where(line => !line.StartsWith("time=", StringComparison.Ordinal)));
}
