using ContentTree.BootFile;
using ContentTree.Deploy.Booting;
using ContentTree.Deploy.Commands;
using ContentTree.Deploy.Config;
using ContentTree.Deploy.Health;
using ContentTree.Store.Repositories;
using Microsoft.Extensions.Logging;

namespace ContentTree.Deploy.Agent;

/// <summary>
/// What the agent does each time it wakes: poll when it is time for that, and end a trial that is good. Nothing is kept open between
/// rounds, and the configuration is read anew in each.
/// </summary>
internal sealed class AgentRound(DeviceRoot root, TimeProvider clock, ILogger log)
{
    private static readonly TimeSpan WithoutRoute = TimeSpan.FromSeconds(3);
    // A route that comes and goes must not become a poll each time.
    private static readonly TimeSpan AfterRoute = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Busy = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan BetweenChecks = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan AfterReboot = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Blind = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Waiting = TimeSpan.FromMinutes(1);

    private long _started = clock.GetTimestamp();
    private long _polled = clock.GetTimestamp();
    private TimeSpan? _pollPause;
    private bool _isAsked;
    private bool _hasConfigured;
    private bool _reached;
    private bool _isRebooting;
    private long? _wellSince;
    private long? _cut;
    private bool _isLinked;
    private DateTime? _activated;

    /// <summary>One line about how things are.</summary>
    public string Status { get; private set; } = "starting";

    /// <summary>There is a new way to the server: it is asked soon, unless it wants to be left alone.</summary>
    public void RouteAppeared()
    {
        if (!_isAsked && _pollPause > AfterRoute)
            _pollPause = AfterRoute;
    }

    /// <summary>Somebody else has swapped the link, on the device's page or by hand: a trial is to be judged.</summary>
    public bool WasActivatedElsewhere() => _isLinked && _activated is { } seen && File.GetLastWriteTimeUtc(root.Layout.Booted) != seen;

    /// <returns>How long to sleep.</returns>
    public async Task<TimeSpan> RunAsync(CancellationToken cancellation)
    {
        try
        {
            var config = AgentConfig.Load(root);
            _isRebooting = false;
            _isLinked = config.IsLinked;
            if (WasActivatedElsewhere())
                BeginAnew();
            _activated = File.GetLastWriteTimeUtc(root.Layout.Booted);
            if (!_hasConfigured)
            {
                await new PollStep(root, config, clock, log).ConfigureAsync(cancellation).ConfigureAwait(false);
                _hasConfigured = true;
            }
            var pause = await PollAsync(config, cancellation).ConfigureAwait(false);
            if (!_isRebooting)
                pause = Shorter(pause, await TryTrialAsync(config, cancellation).ConfigureAwait(false));
            if (!_isRebooting)
                pause = Shorter(pause, await new LastingBoot(root, config, clock).RunAsync(cancellation).ConfigureAwait(false));
            if (!_isRebooting)
                await new ScrubStep(root, config, clock, log).RunAsync(cancellation).ConfigureAwait(false);
            return _isRebooting ? AfterReboot : pause;
        }
        catch (StoreLockedException e)
        {
            Say(e.Message);
            return Busy;
        }
        // A full disk, a configuration that cannot be read: whoever puts that right need not tell the agent.
        catch (Exception e) when (Outcome.CodeOf(e) is not null && !cancellation.IsCancellationRequested)
        {
            Complain(Outcome.MessageOf(e));
            return Blind;
        }
    }

    private async Task<TimeSpan> PollAsync(AgentConfig config, CancellationToken cancellation)
    {
        _pollPause ??= Restored(config);
        var left = _pollPause.Value - clock.GetElapsedTime(_polled);
        if (left > TimeSpan.Zero)
            return left;
        var result = await new PollStep(root, config, clock, log).RunAsync(cancellation).ConfigureAwait(false);
        _polled = clock.GetTimestamp();
        _reached |= result.Reached;
        _isAsked = result.RetryAfter is not null;
        _pollPause = result.IsWithoutRoute ? WithoutRoute : result.IsConfigured ? TimeSpan.Zero : result.Pause;
        if (result.Failure is null || result.Paused is not null)
            Say(result.Message);
        else
            Complain(result.Message);
        if (result.RebootIsDue)
            Reboot(config, result.Message);
        return _pollPause ?? TimeSpan.Zero;
    }

    private TimeSpan Restored(AgentConfig config)
    {
        using var device = Device.Open(root, config, clock);
        return PollSchedule.Restored(config, device.State.Last.Retry, clock);
    }

    private async Task<TimeSpan> TryTrialAsync(AgentConfig config, CancellationToken cancellation)
    {
        var trial = await new TrialStep(root, config, clock, log).RunAsync(_reached, _wellSince, cancellation).ConfigureAwait(false);
        if (trial is not (TrialResult.Settling or TrialResult.None))
            _wellSince = null;
        switch (trial)
        {
            case TrialResult.Confirmed good:
                Status = $"{good.Name} is good: confirmed";
                _pollPause = TimeSpan.Zero; // The server is to hear of it.
                return TimeSpan.Zero;
            case TrialResult.Settling settling:
                _wellSince ??= clock.GetTimestamp();
                Status = $"{settling.Name} is well so far";
                return Shorter(settling.Left, BetweenChecks);
            case TrialResult.Sick sick:
                Complain($"{sick.Name} is not confirmed yet: {sick.Reason}");
                if (IsOver(config.HealthDeadline))
                    Lose(config, sick.Name, config.HealthDeadline);
                return BetweenChecks;
            case TrialResult.Unreached unreached:
                Complain($"{unreached.Name} is not confirmed yet: {unreached.Reason}");
                return await WaitForServerAsync(config, unreached, cancellation).ConfigureAwait(false);
            case TrialResult.Manual:
                await PostponeDeadlineAsync(config, cancellation).ConfigureAwait(false);
                return Waiting;
            default:
                return TimeSpan.MaxValue;
        }
    }

    // Without a link nothing can be told about the tree, so the time that counts begins when there is one again.
    private async Task<TimeSpan> WaitForServerAsync(AgentConfig config, TrialResult.Unreached unreached, CancellationToken cancellation)
    {
        if (unreached.IsCut)
        {
            _cut = clock.GetTimestamp();
            await PostponeDeadlineAsync(config, cancellation).ConfigureAwait(false);
        }
        var deadline = unreached.IsCut ? config.LinkWait : config.ReachDeadline;
        var isOver = unreached.IsCut || _cut is not { } cut ? IsOver(deadline) : clock.GetElapsedTime(cut) >= deadline;
        if (deadline > TimeSpan.Zero && isOver && await GiveUpAsync(config, cancellation).ConfigureAwait(false))
            Lose(config, unreached.Name, deadline);
        return unreached.IsCut ? Waiting : BetweenChecks;
    }

    private async Task PostponeDeadlineAsync(AgentConfig config, CancellationToken cancellation)
    {
        if (!root.IsGiven)
            await TrialDeadline.PostponeAsync(config, new CheckProgram(config.CheckTimeout, clock), cancellation).ConfigureAwait(false);
    }

    private bool IsOver(TimeSpan deadline) => clock.GetElapsedTime(_started) >= deadline;

    // One try is enough to see that there is no network: the tree before it is to show whether it finds one.
    private async Task<bool> GiveUpAsync(AgentConfig config, CancellationToken cancellation)
    {
        if (config.Reboot == "never" || root.Stopped is not null)
            return false;
        using var held = await DeviceLock.TakeAsync(root, "agent", wait: false, cancellation).ConfigureAwait(false);
        using var device = Device.Open(root, config, clock);
        return BootSwitch.GiveUp(device);
    }

    private void Lose(AgentConfig config, DeploymentName name, TimeSpan deadline)
    {
        Log.DeadlinePassed(log, name, deadline);
        if (config.Reboot != "never" && root.Stopped is null)
            Reboot(config, Status);
    }

    private void Reboot(AgentConfig config, string why)
    {
        _isRebooting = !root.IsGiven && !config.IsLinked;
        using var device = Device.Open(root, config, clock);
        if (config.IsLinked)
            Activate(device, why);
        else
        {
            Log.Rebooting(log, why);
            Booting.Reboot.Run(device, line => Log.Rebooting(log, line));
        }
    }

    private void Activate(Device device, string why)
    {
        Log.Activating(log, why);
        LinkActivation.Run(device, line => Log.Activating(log, line));
        BeginAnew();
        _activated = File.GetLastWriteTimeUtc(root.Layout.Booted);
    }

    // As a boot would have.
    private void BeginAnew()
    {
        _started = clock.GetTimestamp();
        (_reached, _wellSince, _cut, _pollPause) = (false, null, null, TimeSpan.Zero);
    }

    private void Say(string text)
    {
        if (text != Status)
            Log.Result(log, text);
        Status = text;
    }

    private void Complain(string text)
    {
        if (text != Status)
            Log.Failed(log, text);
        Status = text;
    }

    private static TimeSpan Shorter(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
