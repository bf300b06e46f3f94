using ContentTree.Deploy.Transfer;
using ContentTree.Store;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ContentTree.Deploy.Agent;

/// <summary>Round after round until it is stopped, and systemd always knows about it.</summary>
internal sealed class AgentService(AgentRound round, ServiceNotifier notifier, TimeProvider clock, ILogger log) : BackgroundService
{
    private static readonly TimeSpan AfterMistake = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var stopping = stoppingToken.Register(Stopping);
        using var alive = Watch();
        var routes = new RouteWatch(clock);
        notifier.Ready();
        Log.Started(log);
        try
        {
            await Task.Delay(PollSchedule.First(), clock, stoppingToken).ConfigureAwait(false);
            while (true)
            {
                var pause = await OnceAsync(stoppingToken).ConfigureAwait(false);
                notifier.Status(round.Status);
                // Devices are small and mostly idle: what a round needed goes back to the system.
                Heap.Tidy();
                ProgramPages.Release();
                if (await routes.SleepAsync(pause, round.WasActivatedElsewhere, stoppingToken).ConfigureAwait(false))
                    round.RouteAppeared();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    private async Task<TimeSpan> OnceAsync(CancellationToken cancellation)
    {
        try
        {
            return await round.RunAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            // An updater that gives up could not be repaired by an update.
            Log.Unforeseen(log, e);
            return AfterMistake;
        }
    }

    // Says that the process gets processor time. Everything it waits for has a time limit of its own.
    private ITimer? Watch() => notifier.Watchdog is { } limit
        ? clock.CreateTimer(_ => notifier.Alive(), null, TimeSpan.Zero, limit / 2)
        : null;

    private void Stopping()
    {
        Log.Stopping(log);
        notifier.Stopping();
    }
}
