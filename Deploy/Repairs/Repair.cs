using ContentTree.Deploy.Commands;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;

namespace ContentTree.Deploy.Repairs;

/// <summary>Replaces what is damaged, puts it back into every deployment that has it, and tells the server.</summary>
internal static class Repair
{
    /// <param name="damage">What is known to be damaged; what is missing is found here.</param>
    public static async Task<RepairDocument> RunAsync(Device device, IReadOnlyList<Damage> damage, CancellationToken cancellation)
    {
        using var store = new StoreMender(device, () => CommandContext.Connect(device));
        try
        {
            await store.RunAsync(damage, cancellation).ConfigureAwait(false);
        }
        finally
        {
            device.State.Last = device.State.Last with { Fetched = store.Counters.ToFetched() };
        }
        var paths = new DeploymentMender(device).Run();
        if (store.Replaced + paths > 0)
            device.State.Happened(EventKind.Repaired, null, null, ExitCode.Done, $"{store.Replaced} objects, {paths} paths");
        var left = new DeviceCheck(device).Run(full: false, cancellation).Damage;
        var document = new RepairDocument(store.Replaced, paths, store.Counters.Bytes, [.. store.Left, .. left]);
        if (document.Left.Count == 0)
            new Scrub(device).Mended();
        else
            DamageReport.Tell(device, "places stay damaged", [.. document.Left.Select(d => new Damage(d.What, d.Reason))]);
        return document;
    }

    public static string Summary(RepairDocument document) => document.Left.Count == 0
        ? $"replaced {document.Objects} objects and mended {document.Paths} paths, {Sizes.Text(document.Bytes)} fetched"
        : $"{document.Left.Count} places stay damaged";
}
