using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace ContentTree.Deploy.Agent;

/// <summary>The process around the loop: a host without configuration files, that logs to standard error and stops at a signal.</summary>
internal static class AgentHost
{
    public static async Task RunAsync(DeviceRoot root, ServiceNotifier notifier, TimeProvider clock, CancellationToken cancellation)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ApplicationName = "ctree" });
        builder.Logging.AddSystemdConsole().AddFilter("Microsoft", LogLevel.Warning);
        builder.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Services.AddHostedService(services =>
        {
            var log = services.GetRequiredService<ILoggerFactory>().CreateLogger("ctree.agent");
            return new AgentService(new AgentRound(root, clock, log), notifier, clock, log);
        });
        using var host = builder.Build();
        await host.RunAsync(cancellation).ConfigureAwait(false);
    }
}
