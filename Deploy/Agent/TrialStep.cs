using ContentTree.BootFile;
using ContentTree.Deploy.Booting;
using ContentTree.Deploy.Config;
using ContentTree.Deploy.Deployments;
using Microsoft.Extensions.Logging;

namespace ContentTree.Deploy.Agent;

/// <summary>Ends the running trial when it is good: the required checks pass, and the server can still be reached from it.</summary>
internal sealed class TrialStep(DeviceRoot root, AgentConfig config, TimeProvider clock, ILogger log)
{
    /// <param name="reached">The server answered since this boot.</param>
    public async Task<TrialResult> RunAsync(bool reached, CancellationToken cancellation)
    {
        using var device = Device.Open(root, config, clock);
        if (!config.AutoConfirm || Confirmation.RunningTrial(device) is not { } name)
            return TrialResult.None;
        var checks = new HealthChecks(root.RequiredChecks, config.CheckTimeout, clock, log);
        if (await checks.RunAsync(cancellation).ConfigureAwait(false) is { } failure)
            return new TrialResult(name, failure) { IsSick = true };
        if (!reached && MustReach(device, name))
            return new TrialResult(name, "the server has not been reached from it");
        await ConfirmAsync(device, cancellation).ConfigureAwait(false);
        return new TrialResult(name, null);
    }

    // What was installed from a stick, on a device that has no network, owes no proof of one.
    private static bool MustReach(Device device, DeploymentName name) => device.State.Deployments.Find(name) is not { Reached: false };

    // The checks ran without the lock; whatever was done meanwhile is looked at again.
    private async Task ConfirmAsync(Device device, CancellationToken cancellation)
    {
        using var held = await DeviceLock.TakeAsync(root, "agent", wait: false, cancellation).ConfigureAwait(false);
        var name = Confirmation.Confirm(device);
        Log.Confirmed(log, name);
        new Retention(device).Collect();
    }
}
