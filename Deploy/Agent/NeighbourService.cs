using ContentTree.Deploy.Config;
using ContentTree.Deploy.Neighbours;
using ContentTree.Deploy.State;
using ContentTree.Store.Local;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ContentTree.Deploy.Agent;

/// <summary>
/// Lets neighbours have public objects while the agent runs, where the configuration wants that. Nothing that goes wrong here keeps the
/// device from its updates.
/// </summary>
internal sealed class NeighbourService(DeviceRoot root, TimeProvider clock, ILogger log) : BackgroundService
{
    // The address may come later than the agent, and a configuration that cannot be read is put right some time.
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(30);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var complaint = "";
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ServeAsync(stoppingToken).ConfigureAwait(false);
                return;
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                if (e.Message != complaint)
                    Log.CannotServe(log, complaint = e.Message);
                await Task.Delay(AfterFailure, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task ServeAsync(CancellationToken cancellation)
    {
        var config = AgentConfig.Load(root);
        if (config.NeighboursListen is not { } address)
            return;
        var state = new DeviceStateFiles(root, clock);
        using var objects = new PublicObjects(root.Store, () => state.Transfer.IsPrivate);
        using var server = new NeighbourServer(address, objects, new NeighbourLimits(config.NeighboursConnections, config.NeighboursMaxRate, clock));
        Log.Serving(log, server.Address);
        await server.RunAsync(cancellation).ConfigureAwait(false);
        Log.Served(log, server.Traffic.Objects, server.Traffic.Bytes);
    }
}
