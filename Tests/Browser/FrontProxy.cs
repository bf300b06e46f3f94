using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ContentTree.Tests.Browser;

/// <summary>What stands before a server in most places: passes everything on, and answers 502 itself while the server is away.</summary>
internal sealed class FrontProxy : IDisposable
{
    private static readonly byte[] BadGateway = "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 20\r\nConnection: close\r\n\r\n<h1>Bad gateway</h1>"u8.ToArray();

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Uri _server;
    private CancellationTokenSource _connections = new();
    private int _streams;
    private int _refused;

    public FrontProxy(string server)
    {
        _server = new Uri(server);
        _listener.Start();
        Url = $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";
        _ = Task.Run(ServeAsync);
    }

    public string Url { get; }

    /// <summary>Streams of live pages that are open.</summary>
    public int Streams => Volatile.Read(ref _streams);

    /// <summary>Requests that were answered with 502.</summary>
    public int Refused => Volatile.Read(ref _refused);

    /// <summary>Ends what is open, and answers 502 from then on.</summary>
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
        using var to = new TcpClient();
        var ending = _connections.Token;
        var isStream = false;
        try
        {
            if (IsAway)
            {
                await from.GetStream().ReadAtLeastAsync(new byte[1 << 14], 1);
                Interlocked.Increment(ref _refused);
                await from.GetStream().WriteAsync(BadGateway);
                from.Client.Shutdown(SocketShutdown.Send);
                return;
            }
            await to.ConnectAsync(IPAddress.Loopback, _server.Port, ending);
            await Task.WhenAny(AskAsync(), to.GetStream().CopyToAsync(from.GetStream(), ending));
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Either side has gone.
        }
        finally
        {
            if (isStream)
                Interlocked.Decrement(ref _streams);
        }

        async Task AskAsync()
        {
            var buffer = new byte[1 << 16];
            int count;
            while ((count = await from.GetStream().ReadAsync(buffer, ending)) > 0)
            {
                // A stream is the last thing that its connection carries.
                if (!isStream && Encoding.ASCII.GetString(buffer, 0, count).StartsWith("GET /live?", StringComparison.Ordinal))
                {
                    isStream = true;
                    Interlocked.Increment(ref _streams);
                }
                await to.GetStream().WriteAsync(buffer.AsMemory(0, count), ending);
            }
        }
    }
}
