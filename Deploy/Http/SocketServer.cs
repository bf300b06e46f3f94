using System.Net;
using System.Net.Sockets;

namespace ContentTree.Deploy.Http;

/// <summary>
/// Takes connections at an address, never more at a time than allowed, and hands each to whoever serves it. Why it is not a server of the
/// framework's: docs/decisions/0005-http-on-a-device.md.
/// </summary>
internal sealed class SocketServer : IDisposable
{
    // What the kernel would hold on our behalf for somebody who takes nothing.
    private const int SendBuffer = 256 * 1024;
    private const int Backlog = 16;
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(1);

    private readonly int _connections;
    private readonly Socket _listener;
    private readonly SemaphoreSlim _free;

    /// <exception cref="IOException">The address is not to be had.</exception>
    public SocketServer(IPEndPoint address, int connections)
    {
        _connections = connections;
        _free = new SemaphoreSlim(connections);
        _listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { SendBufferSize = SendBuffer };
        try
        {
            if (address.Address.Equals(IPAddress.IPv6Any))
                _listener.DualMode = true;
            _listener.Bind(address);
            _listener.Listen(Backlog);
        }
        catch (SocketException e)
        {
            Dispose();
            throw new IOException($"{address}: {e.Message}", e);
        }
    }

    public IPEndPoint Address => (IPEndPoint)_listener.LocalEndPoint!;

    /// <summary>Serves until it is cancelled; then nothing is open any more.</summary>
    /// <param name="serve">Serves one connection; throws nothing.</param>
    /// <param name="rested">Runs whenever the last connection has ended.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task RunAsync(Func<Socket, CancellationToken, Task> serve, Action rested, CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                var socket = await _listener.AcceptAsync(cancellation).ConfigureAwait(false);
                // One too many is closed without a word: it may come back after a rest.
                if (_free.Wait(0, CancellationToken.None))
                    _ = ServeAsync(socket, serve, rested, cancellation);
                else
                    socket.Dispose();
            }
            catch (OperationCanceledException)
            {
            }
            catch (SocketException)
            {
                // Out of descriptors, or somebody hung up at once.
                await Task.Delay(AfterFailure, CancellationToken.None).ConfigureAwait(false);
            }
        }
        _listener.Dispose();
        for (var ended = 0; ended < _connections; ended++)
            await _free.WaitAsync(CancellationToken.None).ConfigureAwait(false);
    }

    public void Dispose()
    {
        _listener.Dispose();
        _free.Dispose();
    }

    private async Task ServeAsync(Socket socket, Func<Socket, CancellationToken, Task> serve, Action rested, CancellationToken cancellation)
    {
        try
        {
            // What has been sent already is read without waiting: that must not hold up those who come after.
            await Task.Yield();
            socket.NoDelay = true;
            await serve(socket, cancellation).ConfigureAwait(false);
        }
        finally
        {
            socket.Dispose();
            var isLast = _free.Release() == _connections - 1;
            if (isLast)
                rested();
        }
    }
}
