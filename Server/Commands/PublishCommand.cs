using System.CommandLine;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary><c>publish</c>: a source becomes a commit, and the branch moves to it. The commit id is the last line on stdout.</summary>
internal static class PublishCommand
{
    public static Command Create(CommandContext context)
    {
        var source = new Argument<string>("SOURCE") { Description = "a directory, a tar archive (also packed), git:REPOSITORY#REVISION or ostree:REPOSITORY#REF" };
        var owner = PublishSettings.OwnerOption();
        var settings = new PublishSettings();
        var command = new Command("publish", "Publish a source as the next commit of a branch.") { source, owner };
        settings.AddTo(command);
        return CommandContext.Run(command, async (parsed, cancellation) =>
        {
            var options = settings.Read(parsed, parsed.GetRequiredValue(source)) with { Owner = parsed.GetValue(owner) };
            await settings.PublishAsync(context, parsed, options, cancellation);
            return ExitCode.Done;
        });
    }
}
