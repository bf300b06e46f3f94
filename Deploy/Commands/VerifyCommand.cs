using System.CommandLine;
using ContentTree.Deploy.Repairs;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;

namespace ContentTree.Deploy.Commands;

/// <summary><c>verify [--full]</c>: whether deployments, and with --full the whole store, are what was published.</summary>
internal static class VerifyCommand
{
    public static Command Create(Globals globals)
    {
        var full = new Option<bool>("--full") { Description = "also hash every byte in the store" };
        var command = new Command("verify", "compare every deployment with what was published") { full };
        command.SetAction(globals.Run((context, parse, cancellation) => context.ChangeAsync(device =>
        {
            var document = new DeviceCheck(device).Run(parse.GetValue(full), cancellation);
            context.Output.Write(document, DocumentJson.Default.VerifyDocument, Text);
            if (document.Damage.Count == 0)
                return ExitCode.Done;
            DamageReport.Tell(device, "places", [.. document.Damage.Select(d => new Damage(d.What, d.Reason))]);
            context.Output.Say($"ctree: {document.Damage.Count} places are damaged; 'ctree repair' mends them");
            return ExitCode.VerificationFailed;
        }, cancellation)));
        return command;
    }

    private static string Text(VerifyDocument document)
    {
        var damage = string.Concat(document.Damage.Select(d => $"{d.What}: {d.Reason}\n"));
        var read = document.Full ? $", {Sizes.Text(document.Bytes)} hashed" : "";
        return $"{damage}{document.Checked} checked{read}, {document.Damage.Count} damaged";
    }
}
