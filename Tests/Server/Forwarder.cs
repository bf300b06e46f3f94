using System.Net;
using System.Net.Sockets;

namespace ContentTree.Tests.Server;

/// <summary>Passes connections on to an address of this machine, until it is told to be away.</summary>
internal sealed class Forwarder : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Uri _target;
    private CancellationTokenSource _connections = new();

    public Forwarder(string target)
    {
        _target = new Uri(target);
        _listener.Start();
        Url = $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";
        _ = Task.Run(ServeAsync);
    }

    public string Url { get; }

    /// <summary>Ends what there is, and answers nobody.</summary>
    public bool IsAway
    {
        get;
        set
        {
            field = value;
            if (value)
                _connections.Cancel();
            else
                _connections = new CancellationTokenSource();
        }
    }

    public void Dispose()
    {
        _connections.Cancel();
        _listener.Dispose();
        _connections.Dispose();
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
                _ = PassAsync(await _listener.AcceptTcpClientAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task PassAsync(TcpClient client)
    {
        using var from = client;
        if (IsAway)
            return;
        using var to = new TcpClient();
        try
        {
            var ending = _connections.Token;
            await to.ConnectAsync(IPAddress.Loopback, _target.Port, ending);
            await Task.WhenAny(from.GetStream().CopyToAsync(to.GetStream(), ending), to.GetStream().CopyToAsync(from.GetStream(), ending));
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Either side has gone.
        }
    }
}
