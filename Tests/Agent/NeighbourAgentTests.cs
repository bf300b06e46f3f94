using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using ContentTree.Deploy;
using ContentTree.Deploy.Agent;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Deploy;

namespace ContentTree.Tests.Agent;

/// <summary>The agent as a neighbour: only when it is told to, only while it runs.</summary>
public sealed class NeighbourAgentTests : IAsyncLifetime
{
    private readonly ConcurrentQueue<string> _log = new();
    private TestServer _server = null!;
    private TestDevice _device = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _device = await TestDevice.EnrolledAsync(_server);
        _server.Publish("echo content > file");
        await _device.UpdateAsync();
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task It_serves_when_told_to_says_so_and_ends_with_the_agent()
    {
        var port = FreePort();
        _device.Configure($"[neighbours]\nlisten = 127.0.0.1:{port}\n");
        var path = _device.StoredFile("content\n").Split("/objects/")[1][..65];
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        await using (Run())
        {
            await SaysAsync($"neighbours may have public objects at http://127.0.0.1:{port}/repo");
            (await client.GetAsync($"/repo/objects/{path}.file")).StatusCode.Should().Be(HttpStatusCode.OK);
        }
        _log.Should().Contain(line => line.Contains("neighbours got 1 objects, 31 bytes", StringComparison.Ordinal));
        await client.Invoking(c => c.GetAsync($"/repo/objects/{path}.file")).Should().ThrowAsync<HttpRequestException>();
    }

    [Fact]
    public async Task It_is_off_unless_told_otherwise()
    {
        await using (Run())
            await SaysAsync("agent started");
        _log.Should().NotContain(line => line.Contains("neighbours", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_address_that_is_not_to_be_had_keeps_no_device_from_its_updates()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        _device.Configure($"[poll]\ninterval = 1s\n[neighbours]\nlisten = {taken.LocalEndpoint}\n");
        var commit = _server.Publish("echo newer > file");
        await using (Run())
        {
            await SaysAsync("neighbours get nothing");
            await SaysAsync($"{commit}");
        }
    }

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("8481")]
    [InlineData("[::]")]
    [InlineData("127.0.0.1:99999")]
    [InlineData("example.com:8481")]
    public async Task An_address_without_a_port_is_refused(string address)
    {
        _device.Configure($"[neighbours]\nlisten = {address}\n");
        var result = await _device.RunAsync("agent");
        result.Code.Should().Be((int)ExitCode.Usage);
        result.Error.Should().Contain("neighbours.listen");
    }

    private Running Run() => new(_device, _log.Enqueue);

    private async Task SaysAsync(string text)
    {
        for (var tries = 0; !_log.Any(line => line.Contains(text, StringComparison.Ordinal)); tries++)
        {
            tries.Should().BeLessThan(600, $"'{text}' should come; there was {string.Join('\n', _log)}");
            await Task.Delay(50);
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private sealed class Running : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly ServiceNotifier _notifier = new(null, null);
        private readonly Task _agent;

        public Running(TestDevice device, Action<string> say) =>
            _agent = AgentHost.RunAsync(new DeviceRoot(device.Root, IsGiven: true), _notifier, TimeProvider.System, say, _stop.Token);

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _agent.WaitAsync(TimeSpan.FromSeconds(10));
            _notifier.Dispose();
            _stop.Dispose();
        }
    }
}
