using System.Net;
using System.Net.Sockets;
using ContentTree.Store.Local;

namespace ContentTree.Deploy.Neighbours;

/// <summary>
/// Gives out the store's public objects to other devices: HTTP, reading only, never more connections than allowed. Why it is not a
/// server of the framework's: docs/decisions/0005-http-on-a-device.md.
/// </summary>
internal sealed class NeighbourServer : IDisposable
{
    // What the kernel would hold on our behalf for a neighbour that takes nothing.
    private const int SendBuffer = 256 * 1024;
    private const int Backlog = 16;
    private const long CollectAfterBytes = 16 << 20;
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(1);

    private readonly PublicObjects _objects;
    private readonly NeighbourLimits _limits;
    private readonly Socket _listener;
    private readonly SemaphoreSlim _free;
    private long _collectedAt;

    /// <exception cref="IOException">The address is not to be had.</exception>
    public NeighbourServer(IPEndPoint address, PublicObjects objects, NeighbourLimits limits)
    {
        (_objects, _limits) = (objects, limits);
        _free = new SemaphoreSlim(limits.Connections);
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

    public NeighbourTraffic Traffic { get; } = new();

    /// <summary>Serves until it is cancelled; then nothing is open any more.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                Take(await _listener.AcceptAsync(cancellation).ConfigureAwait(false), cancellation);
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
        for (var ended = 0; ended < _limits.Connections; ended++)
            await _free.WaitAsync(CancellationToken.None).ConfigureAwait(false);
    }

    public void Dispose()
    {
        _listener.Dispose();
        _free.Dispose();
    }

    // One too many is closed without a word: it has another source, and comes back to this one after a rest.
    private void Take(Socket socket, CancellationToken cancellation)
    {
        if (_free.Wait(0, CancellationToken.None))
            _ = ServeAsync(socket, cancellation);
        else
            socket.Dispose();
    }

    private async Task ServeAsync(Socket socket, CancellationToken cancellation)
    {
        try
        {
            // What has been sent already is read without waiting: that must not hold up those who come after.
            await Task.Yield();
            socket.NoDelay = true;
            await new NeighbourConnection(socket, _objects, _limits, Traffic).RunAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            socket.Dispose();
            _free.Release();
            CollectWhenIdle();
        }
    }

    // Devices are small and mostly idle: what serving needed goes back to the system. Not so often that strangers could make it work.
    private void CollectWhenIdle()
    {
        var sent = Traffic.Bytes;
        var before = Interlocked.Read(ref _collectedAt);
        if (_free.CurrentCount == _limits.Connections && sent - before >= CollectAfterBytes && Interlocked.CompareExchange(ref _collectedAt, sent, before) == before)
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }
}
