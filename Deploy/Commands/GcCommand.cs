using System.CommandLine;
using ContentTree.Deploy.Deployments;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Commands;

/// <summary><c>gc</c>: removes deployments that nothing holds, and the objects that only they needed.</summary>
internal static class GcCommand
{
    public static Command Create(Globals globals)
    {
        var command = new Command("gc", "remove old deployments and the objects that only they needed");
        command.SetAction(globals.Run((context, _, cancellation) => context.ChangeAsync(device =>
        {
            var (deployments, objects, bytes) = new Retention(device).Collect(whole: true);
            context.Output.Write(
                new GarbageDocument(deployments, objects, bytes), DocumentJson.Default.GarbageDocument,
                gone => $"removed {gone.Deployments} deployments and {gone.Objects} objects, {Sizes.Text(gone.Bytes)}");
            return ExitCode.Done;
        }, cancellation)));
        return command;
    }
}
