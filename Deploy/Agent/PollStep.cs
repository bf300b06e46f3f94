using ContentTree.BootFile;
using ContentTree.Deploy.Booting;
using ContentTree.Deploy.Commands;
using ContentTree.Deploy.Config;
using ContentTree.Deploy.Configurations;
using ContentTree.Deploy.State;
using ContentTree.Deploy.Transfer;
using ContentTree.Deploy.Updates;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;
using Microsoft.Extensions.Logging;

namespace ContentTree.Deploy.Agent;

/// <summary>Settles a fallback, asks the server, and does what its answer and the configuration allow, all under the device's lock.</summary>
internal sealed class PollStep(DeviceRoot root, AgentConfig config, TimeProvider clock, ILogger log)
{
    /// <exception cref="Store.Repositories.StoreLockedException">Somebody else works on the device.</exception>
    public async Task<PollResult> RunAsync(CancellationToken cancellation)
    {
        using var held = await DeviceLock.TakeAsync(root, "agent", wait: false, cancellation).ConfigureAwait(false);
        using var device = Device.Open(root, config, clock);
        if (FallbackSettlement.Settle(device) is { } failed)
            Log.FellBack(log, failed);
        using var sources = TryConnect(device, out var problem);
        if (sources is null)
            return Schedule(device, problem);
        if (!NetworkRoute.MayReach(sources.Server.Connection.Server) && !sources.Mirrors.Any(m => m.IsDirectory))
            return new PollResult("no network yet") { IsWithoutRoute = true };
        var before = device.State.Last.Poll;
        var result = await AskAsync(device, sources, cancellation).ConfigureAwait(false);
        result = result with { IsConfigured = await ConfigureAsync(device, cancellation).ConfigureAwait(false) };
        var after = device.State.Last.Poll;
        return Schedule(device, result) with { Reached = !result.IsNoNetwork && after is { Failures: 0 } && after != before };
    }

    /// <summary>Finishes what was begun with the configuration before this agent started.</summary>
    public async Task ConfigureAsync(CancellationToken cancellation)
    {
        using var held = await DeviceLock.TakeAsync(root, "agent", wait: false, cancellation).ConfigureAwait(false);
        using var device = Device.Open(root, config, clock);
        await ConfigureAsync(device, cancellation).ConfigureAwait(false);
    }

    // It is tried again with each poll, and keeps the device from nothing else.
    private async Task<bool> ConfigureAsync(Device device, CancellationToken cancellation)
    {
        if (IsStopped)
            return false;
        try
        {
            return await new ConfigurationStep(device, line => Log.Configuring(log, line)).RunAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (Outcome.CodeOf(e) is { } code && code != ExitCode.Cancelled)
        {
            Log.NotConfigured(log, Outcome.MessageOf(e));
            return false;
        }
    }

    // What a configuration cannot be used for must not keep a trial from being judged.
    private Sources? TryConnect(Device device, out PollResult problem)
    {
        problem = new PollResult("");
        try
        {
            return CommandContext.Connect(device);
        }
        catch (Exception e) when (e is StoppedException or ConfigException)
        {
            problem = new PollResult(Say(e.Message)) { Failure = Outcome.CodeOf(e) };
            return null;
        }
    }

    // On disk, so that neither a restart nor a reboot makes a fleet impatient.
    private PollResult Schedule(Device device, PollResult result)
    {
        var last = device.State.Last;
        var retry = result.IsWorthRetrying
            ? new LastRetry((last.Retry?.Failures ?? 0) + (result.IsNoNetwork ? 0 : 1), result.IsNoNetwork ? (last.Retry?.Lost ?? 0) + 1 : 0, default)
            : null;
        var pause = PollSchedule.Next(config, last.Poll, retry, result.RetryAfter);
        // Downloads go on as soon as they may.
        pause = result.Paused < pause ? result.Paused.Value + PollSchedule.First() : pause;
        if (retry is not null || last.Retry is not null)
            device.State.Last = last with { Retry = retry is null ? null : retry with { NotBefore = clock.GetUtcNow() + pause } };
        return result with { Pause = pause };
    }

    private async Task<PollResult> AskAsync(Device device, Sources sources, CancellationToken cancellation)
    {
        try
        {
            var result = new PollResult("");
            await new JobRecord(device, "agent").RunAsync(async () =>
            {
                result = await UpdateAsync(device, sources, cancellation).ConfigureAwait(false);
                return (result.Failure ?? ExitCode.Done, result.Message);
            }).ConfigureAwait(false);
            await ReportAsync(device, sources, cancellation).ConfigureAwait(false);
            await RotateKeyAsync(device, sources, cancellation).ConfigureAwait(false);
            return result with { Message = Say(string.Concat(new[] { device.Trust.PassedOver, device.Trust.ConfigurationPassedOver }.OfType<VerificationException>().Select(told => $"; passed over: {told.Message}").Prepend(result.Message))) };
        }
        catch (Exception e) when (Outcome.CodeOf(e) is { } code && code != ExitCode.Cancelled)
        {
            await ReportAsync(device, sources, cancellation).ConfigureAwait(false);
            var unreachable = e as ServerUnreachableException;
            return new PollResult(Say(Outcome.MessageOf(e)))
            {
                Failure = code,
                RetryAfter = unreachable?.RetryAfter,
                IsNoNetwork = unreachable is { IsNoNetwork: true },
                Paused = (e as PausedException)?.Left,
            };
        }
    }

    private async Task<PollResult> UpdateAsync(Device device, Sources sources, CancellationToken cancellation)
    {
        try
        {
            var outcome = await RunAsync(device, sources, cancellation).ConfigureAwait(false);
            var isDue = RebootIsDue(device, outcome);
            // A link is swapped right after this, without a reboot.
            var said = outcome with { RebootNeeded = outcome.RebootNeeded && !(isDue && config.IsLinked) };
            return new PollResult(UpdateCommand.Text(said)) { RebootIsDue = isDue };
        }
        catch (StoppedException e) when (e.Code == ExitCode.Held && IsDecided(device))
        {
            return new PollResult(e.Message) { Failure = e.Code };
        }
    }

    // A hold or a denial is no failure to report: the poll has told the server already.
    private static bool IsDecided(Device device)
    {
        var follow = device.State.Follow;
        var assigned = device.Trust.Assignment(follow.Branch);
        return follow.HoldAt(device.Clock.GetUtcNow()) is not null || assigned is { Action: AssignmentAction.Hold } ||
            ((follow.Commit ?? assigned?.Commit ?? device.Trust.Seen(follow.Branch)?.Commit) is { } target && device.Denials.Find(target) is not null);
    }

    private Task<UpdateOutcome> RunAsync(Device device, Sources sources, CancellationToken cancellation)
    {
        var job = new UpdateJob(device, sources, Progress.Silent(clock));
        // One trial at a time: until it ends, the agent only tells how it stands.
        if (IsStopped || config.Mode == "manual" || Confirmation.RunningTrial(device) is not null)
            return job.CheckAsync(cancellation);
        return config.Mode == "download" ? job.DownloadAsync(cancellation) : job.RunAsync(cancellation);
    }

    // At once, since what comes next may be a reboot; what cannot be handed over now goes with the next poll.
    private static async Task ReportAsync(Device device, Sources sources, CancellationToken cancellation)
    {
        try
        {
            if (device.State.Last.Poll is { Failures: 0 } && device.State.Enrolment.Answer == DeviceState.Accepted)
            {
                var server = new HeadSource(device, sources);
                await server.ReportAsync(cancellation).ConfigureAwait(false);
                await server.SendBlackBoxesAsync(cancellation).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is ServerUnreachableException or ProblemException)
        {
        }
    }

    // A trial is to be judged with the key that the tree before it has used.
    private async Task RotateKeyAsync(Device device, Sources sources, CancellationToken cancellation)
    {
        if (IsStopped || device.State.Last.Poll is not { Failures: 0 } || device.State.Enrolment.Answer != DeviceState.Accepted ||
            !KeyRotation.IsDue(device) || Confirmation.RunningTrial(device) is not null)
            return;
        try
        {
            if (await new KeyRotation(device, sources).RunAsync(cancellation).ConfigureAwait(false))
                Log.KeyChanged(log);
        }
        catch (Exception e) when (e is ServerUnreachableException or ProblemException or StoppedException)
        {
            Log.KeyNotChanged(log, e.Message);
        }
    }

    // Only for a switch that is newer than this boot: where booting goes wrong, rebooting for the same switch would never end.
    private bool RebootIsDue(Device device, UpdateOutcome outcome) =>
        outcome.RebootNeeded && !IsStopped && config.Mode == "auto" && config.Reboot != "never" &&
        (outcome.Action == UpdateAction.Deployed || (outcome.Action == UpdateAction.UpToDate && (device.Booted is { Reason: BootReason.Wanted } || IsUntriedLink(device))));

    // A link is swapped without harm to anybody; a trial that never began was lost to a crash, or to a selector that did not run.
    private bool IsUntriedLink(Device device) =>
        config.IsLinked && device.Boot.Read() is { State: BootState.Trial } record && record.TriesLeft == config.Tries;

    private bool IsStopped => root.Stopped is not null;

    private string Say(string text) => root.Stopped is { } why ? $"{text}; {why}" : text;
}
