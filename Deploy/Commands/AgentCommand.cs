using System.CommandLine;
using ContentTree.Deploy.Agent;
using ContentTree.Deploy.Booting;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Commands;

/// <summary><c>agent</c>: keeps the device up to date until it is stopped.</summary>
internal static class AgentCommand
{
    public static Command Create(Globals globals)
    {
        var command = new Command("agent", "keep this device up to date until stopped: poll, update, confirm");
        command.SetAction(globals.Run(async (context, _, cancellation) =>
        {
            PhysicalMount.EnsureWritable(context.Root);
            // What can never work ends here, with its exit code; everything later is tried again.
            using (var device = context.Open())
            {
                CommandContext.RequireRights(device);
                device.State.RequireSetUp();
            }
            using var notifier = ServiceNotifier.FromEnvironment();
            await AgentHost.RunAsync(context.Root, notifier, context.Clock, context.Output.Say, cancellation).ConfigureAwait(false);
            return ExitCode.Done;
        }));
        return command;
    }
}
