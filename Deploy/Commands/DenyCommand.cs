using System.CommandLine;
using ContentTree.Deploy.State;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Commands;

/// <summary><c>deny COMMIT</c>: never take it by yourself.</summary>
internal static class DenyCommand
{
    public static Command Create(Globals globals)
    {
        var commit = CommitArgument.Create();
        var command = new Command("deny", "never update to this commit") { commit };
        command.SetAction(globals.Run((context, parse, cancellation) => context.ChangeAsync(device =>
        {
            var id = CommitArgument.Resolve(device, parse.GetRequiredValue(commit));
            if (device.Denials.Find(id) is null)
            {
                device.Denials.Add(id, Denials.ByPerson, "by hand");
                device.State.Happened(EventKind.Denied, id, null, ExitCode.Done, "by hand");
            }
            Steering.Print(context.Output, device);
            return ExitCode.Done;
        }, cancellation)));
        return command;
    }
}
