using System.CommandLine;
using ContentTree.Deploy.State;
using ContentTree.Deploy.Transfer;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Commands;

/// <summary><c>switch BRANCH|COMMIT</c>: follow another branch, or stay at one commit of it, whatever was said against it before.</summary>
internal static class SwitchCommand
{
    public static Command Create(Globals globals)
    {
        var target = new Argument<string>("BRANCH|COMMIT") { Description = "a branch to follow, or a commit of the followed branch to stay at" };
        var command = new Command("switch", "follow another branch, or stay at one commit; the next update takes it") { target };
        command.SetAction(globals.Run((context, parse, cancellation) => context.ChangeAsync(async device =>
        {
            var follow = Parse(device, parse.GetRequiredValue(target));
            await CheckAsync(context, device, follow, cancellation).ConfigureAwait(false);
            device.State.Follow = follow;
            // Whoever names a commit knows better than the deny list.
            if (follow.Commit is { } pinned && device.Denials.Remove(pinned))
                context.Output.Say($"{pinned} was denied and is allowed again");
            Steering.Print(context.Output, device);
            return ExitCode.Done;
        }, cancellation)));
        return command;
    }

    private static FollowState Parse(Device device, string text)
    {
        var now = device.State.Follow;
        if (CommitArgument.TryResolve(device, text) is { } commit)
            return now with { Commit = commit, Skip = null };
        return BranchName.TryParse(text, out var branch)
            ? now with { Branch = branch, Commit = null, Skip = null }
            : throw new StoppedException(ExitCode.Usage, $"'{text}' is neither a commit nor a branch name");
    }

    // A typing error shows now; without a network the next update says it.
    private static async Task CheckAsync(CommandContext context, Device device, FollowState follow, CancellationToken cancellation)
    {
        if (device.Config.Server is null)
            return;
        try
        {
            using var sources = CommandContext.Connect(device);
            await new Targets(device, sources).FindAsync(follow, cancellation).ConfigureAwait(false);
        }
        catch (ServerUnreachableException e)
        {
            context.Output.Say($"not checked with the server: {e.Message}");
        }
    }
}
