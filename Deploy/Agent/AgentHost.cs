using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ContentTree.Deploy.Agent;

/// <summary>The process around the loop: a host without configuration files that stops at a signal.</summary>
internal static class AgentHost
{
    /// <param name="say">Takes a line of the log, from any thread.</param>
    public static async Task RunAsync(DeviceRoot root, ServiceNotifier notifier, TimeProvider clock, Action<string> say, CancellationToken cancellation)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ApplicationName = "ctree" });
        using var log = new JournalLogger(say);
        builder.Logging.AddProvider(log);
        builder.Services.AddHostedService(_ => new AgentService(new AgentRound(root, clock, log), notifier, clock, log));
        builder.Services.AddHostedService(_ => new NeighbourService(root, clock, log));
        builder.Services.AddHostedService(_ => new PageService(root, clock, log));
        using var host = builder.Build();
        await host.RunAsync(cancellation).ConfigureAwait(false);
    }
}
