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
        var source = new Argument<string>("SOURCE") { Description = "a directory, a tar archive (also packed), a squashfs or ext image, git:REPOSITORY#REVISION or ostree:REPOSITORY#REF" };
        var owner = PublishSettings.OwnerOption();
        var build = new Option<bool>("--build") { Description = "publish what the source's own program .ctree/build makes of it, in a sandbox (bubblewrap)" };
        var minutes = new Option<double>("--build-minutes") { Description = "how long it may take", HelpName = "N", DefaultValueFactory = _ => BuildLimits.Default.Time.TotalMinutes };
        var memory = new Option<long>("--build-memory") { Description = "memory of each of its processes", HelpName = "BYTES", DefaultValueFactory = _ => BuildLimits.Default.Memory };
        var stamp = new Option<EntryPath?>("--stamp")
        {
            Description = "put a file there that says of what the tree was made: branch, version, source and its revision",
            HelpName = "PATH",
            CustomParser = result => ParseStamp(result.Tokens[0].Value) ?? CommandContext.Fail<EntryPath?>(result, "--stamp wants a path in the tree, for instance etc/ctree-source"),
        };
        var settings = new PublishSettings();
        var command = new Command("publish", "Publish a source as the next commit of a branch.") { source, owner, build, minutes, memory, stamp };
        settings.AddTo(command);
        return CommandContext.Run(command, async (parsed, cancellation) =>
        {
            var options = settings.Read(parsed, parsed.GetRequiredValue(source)) with
            {
                Owner = parsed.GetValue(owner),
                Build = parsed.GetValue(build) ? new BuildLimits(TimeSpan.FromMinutes(parsed.GetValue(minutes)), parsed.GetValue(memory)) : null,
                Stamp = parsed.GetValue(stamp),
            };
            await settings.PublishAsync(context, parsed, options, cancellation);
            return ExitCode.Done;
        });
    }

    private static EntryPath? ParseStamp(string text)
    {
        try
        {
            return EntryPath.Parse(text.TrimStart('/')) is { Names.Count: > 0 } path ? path : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
