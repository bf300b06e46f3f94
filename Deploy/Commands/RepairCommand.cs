using System.CommandLine;
using ContentTree.Deploy.Booting;
using ContentTree.Deploy.Repairs;
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
                var document = await Repair.RunAsync(device, LocalStoreCheck.Run(device.Store, cancellation).Damage, cancellation).ConfigureAwait(false);
                context.Output.Write(document, DocumentJson.Default.RepairDocument, Text);
                return (document.Left.Count == 0 ? ExitCode.Done : ExitCode.VerificationFailed, Repair.Summary(document));
            }, cancellation);
        }));
        return command;
    }

    private static string Text(RepairDocument document) =>
        string.Concat(document.Left.Select(d => $"{d.What}: {d.Reason}\n")) + Repair.Summary(document);
}
