using System.CommandLine;
using ContentTree.Deploy.Transfer;
using ContentTree.Deploy.Updates;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Commands;

/// <summary><c>pull [COMMIT]</c>: download without deploying.</summary>
internal static class PullCommand
{
    public static Command Create(Globals globals)
    {
        var commit = CommitArgument.Create(isOptional: true);
        var command = new Command("pull", "download what is new, or a given commit of the branch, without deploying it") { commit };
        command.SetAction(globals.Run((context, parse, cancellation) => context.JobAsync(async device =>
        {
            using var sources = CommandContext.Connect(device);
            var job = new UpdateJob(device, sources, context.Output.Progress(context.Clock));
            var outcome = parse.GetValue(commit) is { } text
                ? await PullAsync(device, sources, job, text, cancellation).ConfigureAwait(false)
                : await job.DownloadAsync(cancellation).ConfigureAwait(false);
            UpdateCommand.Print(context.Output, device, outcome);
            return (ExitCode.Done, UpdateCommand.Text(outcome));
        }, cancellation)));
        return command;
    }

    private static async Task<UpdateOutcome> PullAsync(
        Device device, Sources sources, UpdateJob job, string text, CancellationToken cancellation)
    {
        var target = await new Targets(device, sources).FindAsync(CommitArgument.Resolve(device, text), cancellation).ConfigureAwait(false);
        await job.PullAsync(target, cancellation).ConfigureAwait(false);
        return new UpdateOutcome(UpdateAction.Downloaded, target, null, RebootNeeded: false);
    }
}
