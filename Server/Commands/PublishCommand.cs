using System.CommandLine;
using ContentTree.Server.Publishing.Sources;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary><c>publish</c>: a source becomes a commit, and the branch moves to it. The commit id is the last line on stdout.</summary>
internal static class PublishCommand
{
    public static Command Create(CommandContext context)
    {
        var source = new Argument<string>("SOURCE") { Description = "a directory, a tar archive (also packed), a squashfs or ext image, a bundle, git:REPOSITORY#REVISION or ostree:REPOSITORY#REF" };
        var (about, settings) = (new SourceSettings(), new PublishSettings());
        var command = new Command("publish", "Publish a source as the next commit of a branch.") { source };
        about.AddTo(command);
        settings.AddTo(command);
        return CommandContext.Run(command, async (parsed, cancellation) =>
        {
            var options = settings.Read(parsed, parsed.GetRequiredValue(source)) with
            {
                Owner = parsed.GetValue(about.Owner),
                Subdirectory = parsed.GetValue(about.Subdirectory) ?? EntryPath.Root,
                Build = parsed.GetValue(about.Build) ? new BuildLimits(TimeSpan.FromMinutes(parsed.GetValue(about.Minutes)), parsed.GetValue(about.Memory)) : null,
                Stamp = parsed.GetValue(about.Stamp),
                DescribesVersion = parsed.GetValue(about.Describe),
            };
            await settings.PublishAsync(context, parsed, options, cancellation);
            return ExitCode.Done;
        });
    }
}
