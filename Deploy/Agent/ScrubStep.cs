using ContentTree.Deploy.Booting;
using ContentTree.Deploy.Commands;
using ContentTree.Deploy.Config;
using ContentTree.Deploy.Repairs;
using ContentTree.Store.Protocol;
using Microsoft.Extensions.Logging;

namespace ContentTree.Deploy.Agent;

/// <summary>Reads the slice of the store that is due, and mends at once what it finds there.</summary>
internal sealed class ScrubStep(DeviceRoot root, AgentConfig config, TimeProvider clock, ILogger log)
{
    /// <exception cref="Store.Repositories.StoreLockedException">Somebody else works on the device.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var device = Device.Open(root, config, clock);
        var scrub = new Scrub(device);
        if (scrub.Due == 0 || Confirmation.RunningTrial(device) is not null)
            return;
        using var held = await DeviceLock.TakeAsync(root, "agent", wait: false, cancellation).ConfigureAwait(false);
        var damage = scrub.Run(cancellation);
        if (damage.Count == 0)
            return;
        Log.Damaged(log, damage.Count, damage[0].What);
        if (root.Stopped is not null)
            return;
        try
        {
            PhysicalMount.Uncover(root);
            var document = await Repair.RunAsync(device, damage, cancellation).ConfigureAwait(false);
            var summary = Repair.Summary(document);
            Log.Result(log, summary);
        }
        // What cannot be mended now is tried again with the next slice.
        catch (Exception e) when (Outcome.CodeOf(e) is { } code && code != ExitCode.Cancelled)
        {
            Log.Failed(log, Outcome.MessageOf(e));
        }
    }
}
