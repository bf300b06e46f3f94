using System.Net;
using System.Net.Sockets;
using System.Text;
using ContentTree.Deploy.Neighbours;
using ContentTree.Store.Local;

namespace ContentTree.Tests.Deploy;

/// <summary>What a device's agent runs for its neighbours, in this process, on a port of its own.</summary>
internal sealed class TestNeighbour : IAsyncDisposable
{
    private readonly PublicObjects _objects;
    private readonly NeighbourServer _server;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;

    public TestNeighbour(TestDevice device, NeighbourLimits? limits = null)
    {
        _objects = new PublicObjects(Path.Combine(device.Root, "ctree/store"),
            () => File.Exists(Path.Combine(device.Layout.State, "transfer.json")) && File.ReadAllText(Path.Combine(device.Layout.State, "transfer.json")).Contains("\"isPrivate\": true", StringComparison.Ordinal));
        _server = new NeighbourServer(new IPEndPoint(IPAddress.Loopback, 0), _objects, limits ?? new NeighbourLimits(16, 0, TimeProvider.System));
        _running = _server.RunAsync(_stop.Token);
    }

    public string Url => $"http://{_server.Address}";

    public NeighbourTraffic Traffic => _server.Traffic;

    /// <summary>A connection that may send anything.</summary>
    public Socket Connect()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 20_000 };
        socket.Connect(_server.Address);
        return socket;
    }

    /// <summary>The status line that some bytes get; empty when the connection is closed instead.</summary>
    public string Say(string request)
    {
        using var socket = Connect();
        socket.Send(Encoding.Latin1.GetBytes(request));
        var buffer = new byte[4096];
        try
        {
            return Encoding.ASCII.GetString(buffer, 0, socket.Receive(buffer)).Split("\r\n")[0];
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return "";
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.WaitAsync(TimeSpan.FromSeconds(10));
        _server.Dispose();
        _objects.Dispose();
        _stop.Dispose();
    }
}
