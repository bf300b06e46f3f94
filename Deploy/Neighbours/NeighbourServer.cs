using System.Net;
using System.Net.Sockets;
using ContentTree.Deploy.Http;
using ContentTree.Deploy.Transfer;
using ContentTree.Store.Local;

namespace ContentTree.Deploy.Neighbours;

/// <summary>Gives out the store's public objects to other devices: HTTP, reading only, never more connections than allowed.</summary>
internal sealed class NeighbourServer : IDisposable
{
    private const long CollectAfterBytes = 16 << 20;

    private readonly PublicObjects _objects;
    private readonly NeighbourLimits _limits;
    private readonly SocketServer _server;
    private long _collectedAt;

    /// <exception cref="IOException">The address is not to be had.</exception>
    public NeighbourServer(IPEndPoint address, PublicObjects objects, NeighbourLimits limits)
    {
        (_objects, _limits) = (objects, limits);
        _server = new SocketServer(address, limits.Connections);
    }

    public IPEndPoint Address => _server.Address;

    public NeighbourTraffic Traffic { get; } = new();

    /// <summary>Serves until it is cancelled; then nothing is open any more.</summary>
    public Task RunAsync(CancellationToken cancellation) => _server.RunAsync(ServeAsync, CollectSometimes, cancellation);

    public void Dispose() => _server.Dispose();

    private Task ServeAsync(Socket socket, CancellationToken cancellation) =>
        new NeighbourConnection(socket, _objects, _limits, Traffic).RunAsync(cancellation);

    // Devices are small and mostly idle: what serving needed goes back to the system. Not so often that strangers could make it work.
    private void CollectSometimes()
    {
        var sent = Traffic.Bytes;
        var before = Interlocked.Read(ref _collectedAt);
        if (sent - before >= CollectAfterBytes && Interlocked.CompareExchange(ref _collectedAt, sent, before) == before)
            Heap.Tidy();
    }
}
