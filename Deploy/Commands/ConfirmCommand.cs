using System.CommandLine;
using ContentTree.Deploy.Booting;
using ContentTree.Deploy.Deployments;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Commands;

/// <summary><c>confirm</c>: the running trial is good.</summary>
internal static class ConfirmCommand
{
    public static Command Create(Globals globals)
    {
        var command = new Command("confirm", "end the running trial: this deployment is good");
        command.SetAction(globals.Run((context, _, cancellation) => context.ChangeAsync(device =>
        {
            var name = Confirmation.Confirm(device);
            new Retention(device).Collect();
            context.Output.Write(new SwitchedDocument(name, null, RebootNeeded: false), DocumentJson.Default.SwitchedDocument, _ => $"confirmed: {name} is good");
            return ExitCode.Done;
        }, cancellation)));
        return command;
    }
}
