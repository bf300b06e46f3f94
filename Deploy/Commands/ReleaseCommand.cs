using System.CommandLine;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Commands;

/// <summary><c>release</c>: ends a hold.</summary>
internal static class ReleaseCommand
{
    public static Command Create(Globals globals)
    {
        var command = new Command("release", "end a hold");
        command.SetAction(globals.Run((context, _, cancellation) => context.ChangeAsync(device =>
        {
            var follow = device.State.Follow;
            if (follow.Hold is not null)
                device.State.Follow = follow with { Hold = null };
            Steering.Print(context.Output, device);
            return ExitCode.Done;
        }, cancellation)));
        return command;
    }
}
