using ContentTree.Deploy.Config;
using ContentTree.Deploy.Pages;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ContentTree.Deploy.Agent;

/// <summary>Shows the device's own page while the agent runs, where the configuration wants that. Nothing that goes wrong here keeps the device from its updates.</summary>
internal sealed class PageService(DeviceRoot root, TimeProvider clock, ILogger log) : BackgroundService
{
    // The address may come later than the agent, as that of an access point does, and a password may be set some time.
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(15);

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
                    Log.CannotShow(log, complaint = e.Message);
                await Task.Delay(AfterFailure, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task ServeAsync(CancellationToken cancellation)
    {
        var config = AgentConfig.Load(root);
        if (config.PageListen is not { } address)
            return;
        using var server = new PageServer(root, config, address, clock, log);
        Log.Showing(log, server.Address);
        await server.RunAsync(cancellation).ConfigureAwait(false);
    }
}
