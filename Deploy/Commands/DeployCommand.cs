using System.CommandLine;
using ContentTree.Deploy.Booting;
using ContentTree.Deploy.Transfer;
using ContentTree.Deploy.Updates;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Commands;

/// <summary><c>deploy COMMIT</c>: make a downloaded commit the next to boot.</summary>
internal static class DeployCommand
{
    public static Command Create(Globals globals)
    {
        var commit = CommitArgument.Create();
        var again = new Option<bool>("--again") { Description = "build a new deployment even if there is one of this commit" };
        var command = new Command("deploy", "make a downloaded commit the next to boot") { commit, again };
        command.SetAction(globals.Run((context, parse, cancellation) => context.JobAsync(device =>
        {
            using var sources = CommandContext.Connect(device);
            var complete = device.Store.GetComplete(CommitArgument.Resolve(device, parse.GetRequiredValue(commit)));
            Fitness.Require(device, complete.Id, complete.Commit);
            var job = new UpdateJob(device, sources, Progress.Silent(context.Clock));
            var deployed = job.Deploy(complete, UpdateJob.Known(device, complete.Id), parse.GetValue(again));
            var outcome = UpdateCommand.Activated(device, deployed, context.Output.Say);
            UpdateCommand.Print(context.Output, device, outcome);
            return Task.FromResult((ExitCode.Done, UpdateCommand.Text(outcome)));
        }, cancellation)));
        return command;
    }
}
