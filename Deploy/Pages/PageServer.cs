using System.Net;
using System.Net.Sockets;
using ContentTree.Deploy.Config;
using ContentTree.Deploy.Http;
using ContentTree.Deploy.Transfer;
using Microsoft.Extensions.Logging;

namespace ContentTree.Deploy.Pages;

/// <summary>Shows the page at an address, to a few people at a time.</summary>
internal sealed class PageServer : IDisposable
{
    private const int Connections = 8;

    private static readonly TimeSpan TidyAgain = TimeSpan.FromMinutes(1);

    private readonly DeviceRoot _root;
    private readonly AgentConfig _config;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly SocketServer _server;

    /// <exception cref="StoppedException">Others could reach it, and nobody has set a password or said that none is needed.</exception>
    /// <exception cref="IOException">The address is not to be had.</exception>
    public PageServer(DeviceRoot root, AgentConfig config, IPEndPoint address, TimeProvider clock, ILogger log)
    {
        (_root, _config, _clock, _log) = (root, config, clock, log);
        // Who gives the page names expects others, through something that forwards to it.
        IsOpen = config.PageWithoutPassword || (IPAddress.IsLoopback(address.Address) && config.PageHosts.Count == 0);
        if (!IsOpen && new PagePassword(root).TryRead() is null)
            throw new StoppedException(Store.Protocol.ExitCode.Usage, $"{address}: others can reach it, and it has no password: 'ctree page password -' sets one, or page.without-password = true");
        _server = new SocketServer(address, Connections);
    }

    public IPEndPoint Address => _server.Address;

    private bool IsOpen { get; }

    private long? _tidied;

    /// <summary>Serves until it is cancelled; then nothing is open or under way any more.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var desk = new PageDesk(_root, _clock, _log, cancellation);
        desk.Clear();
        var access = new PageAccess(new PagePassword(_root), _config.PageHosts, IsOpen, _clock);
        var routes = new PageRoutes(_root, access, desk, _clock, _log);
        await _server.RunAsync((socket, stop) => new PageConnection(socket, routes, _log).RunAsync(stop), Tidy, cancellation).ConfigureAwait(false);
        await desk.EndAsync().ConfigureAwait(false);
    }

    public void Dispose() => _server.Dispose();

    // It stops the whole agent, and strangers may come and go as they like.
    private void Tidy()
    {
        if (_tidied is { } last && _clock.GetElapsedTime(last) < TidyAgain)
            return;
        _tidied = _clock.GetTimestamp();
        Heap.Tidy();
    }
}
