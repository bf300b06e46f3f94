using ContentTree.Deploy.Commands;
using ContentTree.Deploy.Transfer;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Updates;

/// <summary>An update out of a file, whoever brought it: verified as one from the network is. The caller holds the device's lock.</summary>
/// <param name="device">The device.</param>
/// <param name="progress">Hears how far it is.</param>
/// <param name="say">Hears what else people want to know.</param>
internal sealed class BundleJob(Device device, Progress progress, Action<string> say)
{
    /// <summary>What it would take.</summary>
    /// <exception cref="StoppedException">It is no bundle, or not for this device.</exception>
    public async Task<PlanDocument> PlanAsync(string bundle, CancellationToken cancellation)
    {
        using var sources = Open(bundle);
        return await PlanCommand.MakeAsync(device, sources, cancellation).ConfigureAwait(false);
    }

    /// <summary>Installs the first that brings all that this device needs.</summary>
    public async Task<UpdateOutcome> InstallAsync(IReadOnlyList<string> bundles, CancellationToken cancellation)
    {
        for (var i = 0; ; i++)
        {
            using var sources = Open(bundles[i]);
            try
            {
                return await new UpdateJob(device, sources, progress).RunAsync(cancellation).ConfigureAwait(false);
            }
            catch (StoppedException e) when (e.Code == ExitCode.NotFound && i + 1 < bundles.Count)
            {
                // It is a delta from a commit that this device has not got; the next may be whole.
                say($"{Path.GetFileName(bundles[i])}: {e.Message}; trying {Path.GetFileName(bundles[i + 1])}");
            }
        }
    }

    // Read once before anything is asked of it, so that a wrong file is called one.
    private Sources Open(string bundle)
    {
        new BundleFile(bundle).Dispose();
        return Sources.OfBundle(bundle, device.Config, device.State, device.Clock);
    }
}
