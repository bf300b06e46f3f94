using System.CommandLine;
using ContentTree.Deploy.Booting;
using ContentTree.Deploy.Repairs;
using ContentTree.Deploy.State;
using ContentTree.Store.Local;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Commands;

/// <summary><c>repair</c>: finds all damage, fetches what is damaged again, and puts it back into every deployment that has it.</summary>
internal static class RepairCommand
{
    public static Command Create(Globals globals)
    {
        var command = new Command("repair", "fetch damaged objects again and mend the deployments that have them");
        command.SetAction(globals.Run((context, _, cancellation) =>
        {
            PhysicalMount.Uncover(context.Root);
            return context.JobAsync(async device =>
            {
                var document = await RunAsync(device, cancellation).ConfigureAwait(false);
                context.Output.Write(document, DocumentJson.Default.RepairDocument, Text);
                return (document.Left.Count == 0 ? ExitCode.Done : ExitCode.VerificationFailed, Summary(document));
            }, cancellation);
        }));
        return command;
    }

    private static async Task<RepairDocument> RunAsync(Device device, CancellationToken cancellation)
    {
        var damage = LocalStoreCheck.Run(device.Store, cancellation).Damage;
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
        return new RepairDocument(store.Replaced, paths, store.Counters.Bytes, [.. store.Left, .. left]);
    }

    private static string Summary(RepairDocument document) => document.Left.Count == 0
        ? $"replaced {document.Objects} objects and mended {document.Paths} paths, {Sizes.Text(document.Bytes)} fetched"
        : $"{document.Left.Count} places stay damaged";

    private static string Text(RepairDocument document) =>
        string.Concat(document.Left.Select(d => $"{d.What}: {d.Reason}\n")) + Summary(document);
}
