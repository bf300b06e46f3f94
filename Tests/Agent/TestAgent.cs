using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using ContentTree.Deploy;
using ContentTree.Deploy.Agent;
using ContentTree.Tests.Deploy;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Agent;

/// <summary>The agent in this process, and the socket on which it tells what it does.</summary>
internal sealed class TestAgent : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TemporaryDirectory _directory = new();
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _stop = new();
    private readonly ServiceNotifier _notifier;
    private readonly Task _running;

    public TestAgent(TestDevice device, TimeSpan? watchdog = null, TimeProvider? time = null)
    {
        _socket.Bind(new UnixDomainSocketEndPoint(_directory["notify"]));
        _notifier = new ServiceNotifier(_directory["notify"], watchdog);
        _running = AgentHost.RunAsync(new DeviceRoot(device.Root, IsGiven: true), _notifier, time ?? TimeProvider.System, Said.Enqueue, _stop.Token);
    }

    /// <summary>What it has logged.</summary>
    public ConcurrentQueue<string> Said { get; } = new();

    /// <summary>Waits for a message with this text, passing over others.</summary>
    public async Task<string> HearsAsync(string text)
    {
        var heard = new StringBuilder();
        var buffer = new byte[8192];
        using var limit = new CancellationTokenSource(Patience);
        while (true)
        {
            try
            {
                var message = Encoding.UTF8.GetString(buffer, 0, await _socket.ReceiveAsync(buffer, limit.Token));
                heard.AppendLine(message);
                if (message.Contains(text, StringComparison.Ordinal))
                    return message;
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"'{text}' did not come within {Patience}; there was:\n{heard}");
            }
        }
    }

    /// <summary>As systemd stops it; fails when that takes long.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _running.WaitAsync(TimeSpan.FromSeconds(10));
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _notifier.Dispose();
        _socket.Dispose();
        _stop.Dispose();
        _directory.Dispose();
    }
}
