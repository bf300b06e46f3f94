using ContentTree.BootFile;
using ContentTree.Deploy.Booting;
using ContentTree.Deploy.Config;
using ContentTree.Deploy.Deployments;
using ContentTree.Deploy.Health;
using ContentTree.Deploy.State;
using ContentTree.Store;
using Microsoft.Extensions.Logging;

namespace ContentTree.Deploy.Agent;

/// <summary>Looks whether the running trial is good: the required checks pass, the server can still be reached from it, and that lasts.</summary>
internal sealed class TrialStep(DeviceRoot root, AgentConfig config, TimeProvider clock, ILogger log)
{
    private const int KernelLogBytes = 16 * 1024;

    private readonly CheckProgram _program = new(config.CheckTimeout, clock);

    /// <param name="reached">The server answered since this boot.</param>
    /// <param name="wellSince">When the checks began to pass without a break, by the clock's timestamp; null if they did not.</param>
    public async Task<TrialResult> RunAsync(bool reached, long? wellSince, CancellationToken cancellation)
    {
        using var device = Device.Open(root, config, clock);
        if (Confirmation.RunningTrial(device) is not { } name)
            return new TrialResult.None();
        if (!config.AutoConfirm)
        {
            await SayAsync(device, name, TrialWord.Running, "waits for 'ctree confirm'", null, cancellation).ConfigureAwait(false);
            return new TrialResult.Manual();
        }
        var health = await new HealthChecks(root.RequiredChecks, root.WantedChecks, _program, log).RunAsync(cancellation).ConfigureAwait(false);
        var units = await NewlyFailedAsync(device, name, cancellation).ConfigureAwait(false);
        if (health.Failure is { } failure)
            return await SickAsync(device, name, $"{failure}", failure.Output, units, cancellation).ConfigureAwait(false);
        if (config.LinkServices.Count > 0 && await _program.PrintedAsync("systemctl", ["is-active", .. config.LinkServices], cancellation).ConfigureAwait(false) is null)
            return await SickAsync(device, name, $"not all of {string.Join(' ', config.LinkServices)} are active", "", units, cancellation).ConfigureAwait(false);
        if (units.Count > 0 && config.FailedUnits == "required")
            return await SickAsync(device, name, $"failed units: {string.Join(", ", units)}", "", units, cancellation).ConfigureAwait(false);
        if (!reached && MustReach(device, name))
        {
            var isCut = IsCut(device, name);
            var why = "the server has not been reached from it" + (isCut ? ", and no network interface has a link" : "");
            await SayAsync(device, name, TrialWord.Unreached, why, () => Evidence("", units), cancellation).ConfigureAwait(false);
            return new TrialResult.Unreached(name, why, isCut);
        }
        var left = config.Settle - (wellSince is { } since ? clock.GetElapsedTime(since) : TimeSpan.Zero);
        if (left > TimeSpan.Zero)
        {
            await SayAsync(device, name, TrialWord.Running, "every required check passes", null, cancellation).ConfigureAwait(false);
            return new TrialResult.Settling(name, left);
        }
        var warnings = health.Warnings.Select(w => $"{w}").Concat(units.Count > 0 ? [$"failed units: {string.Join(", ", units)}"] : []);
        await ConfirmAsync(string.Join("; ", warnings), cancellation).ConfigureAwait(false);
        return new TrialResult.Confirmed(name);
    }

    private async Task<TrialResult> SickAsync(
        Device device, DeploymentName name, string why, string output, IReadOnlyList<string> units, CancellationToken cancellation)
    {
        await SayAsync(device, name, TrialWord.Sick, why, () => Evidence(output, units), cancellation).ConfigureAwait(false);
        return new TrialResult.Sick(name, why);
    }

    // Writers hold the lock; who else has it writes nothing about this trial.
    private async Task SayAsync(
        Device device, DeploymentName name, TrialWord word, string text, Func<string>? evidence, CancellationToken cancellation)
    {
        using var held = await DeviceLock.TakeAsync(root, "agent", wait: false, cancellation).ConfigureAwait(false);
        new TrialDiary(device).Say(name, word, text, evidence);
    }

    private string Evidence(string output, IReadOnlyList<string> units) =>
        $"{(output.Length > 0 ? $"output of the check:\n{output}\n" : "")}" +
        $"{(units.Count > 0 ? $"units that failed and did not before: {string.Join(' ', units)}\n" : "")}" +
        $"kernel log:\n{LastOfKernel()}";

    private string LastOfKernel()
    {
        if (root.KernelLog is not { } file)
            return KernelLog.Tail(KernelLogBytes);
        var text = File.Exists(file) ? File.ReadAllText(file) : "";
        return text[Math.Max(0, text.Length - KernelLogBytes)..];
    }

    // What had failed before the update as well is no fault of it.
    private async Task<IReadOnlyList<string>> NewlyFailedAsync(Device device, DeploymentName name, CancellationToken cancellation)
    {
        if (config.FailedUnits == "ignored" || root.IsGiven)
            return [];
        var failed = await FailedUnits.FindAsync(_program, cancellation).ConfigureAwait(false);
        return [.. failed.Except(device.State.Deployments.Find(name)?.FailedBefore ?? [], StringComparer.Ordinal)];
    }

    // What was installed from a stick, on a device that has no network, owes no proof of one.
    private static bool MustReach(Device device, DeploymentName name) => device.State.Deployments.Find(name) is not { Reached: false };

    // No tree pulls a cable or switches an access point off.
    private bool IsCut(Device device, DeploymentName name) =>
        device.State.Deployments.Find(name)?.LinkedBefore is { } before && new NetworkLinks(root.NetworkInterfaces).AreCut(before);

    // The checks ran without the lock; whatever was done meanwhile is looked at again.
    private async Task ConfirmAsync(string warnings, CancellationToken cancellation)
    {
        using var held = await DeviceLock.TakeAsync(root, "agent", wait: false, cancellation).ConfigureAwait(false);
        using var device = Device.Open(root, config, clock);
        var name = Confirmation.Confirm(device, warnings.Length > 0 ? warnings : null);
        Log.Confirmed(log, name);
        if (warnings.Length > 0)
            Log.Failed(log, $"{name}: {warnings}");
        new Retention(device).Collect();
    }
}
