using System.CommandLine;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Commands;

/// <summary><c>allow COMMIT</c>: take back what denies or skips it.</summary>
internal static class AllowCommand
{
    public static Command Create(Globals globals)
    {
        var commit = CommitArgument.Create();
        var command = new Command("allow", "lift a commit's denial") { commit };
        command.SetAction(globals.Run((context, parse, cancellation) => context.ChangeAsync(device =>
        {
            var id = CommitArgument.Resolve(device, parse.GetRequiredValue(commit));
            var wasDenied = device.Denials.Remove(id);
            var follow = device.State.Follow;
            if (follow.Skip == id)
                device.State.Follow = follow with { Skip = null };
            else if (!wasDenied)
                context.Output.Say($"{id} was not denied");
            Steering.Print(context.Output, device);
            return ExitCode.Done;
        }, cancellation)));
        return command;
    }
}
