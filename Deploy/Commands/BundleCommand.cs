using System.CommandLine;
using ContentTree.Deploy.Booting;
using ContentTree.Deploy.Transfer;
using ContentTree.Deploy.Updates;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Commands;

/// <summary><c>bundle install</c> and <c>bundle report</c>: updates without a network, and what the server is to hear.</summary>
internal static class BundleCommand
{
    public static Command Create(Globals globals) => new("bundle", "update from a file or stick that somebody brought") { Install(globals), Report(globals) };

    private static Command Install(Globals globals)
    {
        var file = new Argument<string>("FILE") { Description = "what 'ctree-server bundle' made; or a directory with several, of which that for this device is taken" };
        var report = new Option<string?>("--report") { Description = "write this device's report into reports/ there (default: the directory that was named)", HelpName = "DIR" };
        var reboot = new Option<bool>("--reboot") { Description = "reboot into the new deployment" };
        var rebootCode = new Option<bool>("--reboot-exit-code") { Description = "end with 4 when a reboot is needed" };
        var command = new Command("install", "deploy what a bundle brings, if the device's keys have signed it and it is newer") { file, report, reboot, rebootCode };
        command.SetAction(globals.Run((context, parse, cancellation) =>
        {
            var path = parse.GetRequiredValue(file);
            var stick = parse.GetValue(report) ?? (Directory.Exists(path) ? path : null);
            var mustReboot = false;
            return context.JobAsync(async device =>
            {
                var outcome = UpdateCommand.Activated(device, await InstallAsync(context, device, path, cancellation).ConfigureAwait(false), context.Output.Say);
                UpdateCommand.Print(context.Output, device, outcome);
                mustReboot = parse.GetValue(reboot) && outcome.RebootNeeded;
                var code = parse.GetValue(rebootCode) && outcome.RebootNeeded ? ExitCode.RebootNeeded : ExitCode.Done;
                return (code, UpdateCommand.Text(outcome));
            }, cancellation, device =>
            {
                if (stick is not null)
                    TryReport(context, device, stick);
                if (mustReboot)
                    Reboot.Run(device, context.Output.Say);
            });
        }));
        return command;
    }

    private static Command Report(Globals globals)
    {
        var directory = new Argument<string>("DIR") { Description = "a stick; the report goes into reports/ there" };
        var command = new Command("report", "write what the server is to hear of this device, for somebody to carry there") { directory };
        command.SetAction(globals.Run((context, parse, _) =>
        {
            using var device = context.Open();
            context.Output.Say($"wrote {StickReport.Write(device, parse.GetRequiredValue(directory))}; there: 'ctree-server device report FILE'");
            return Task.FromResult(ExitCode.Done);
        }));
        return command;
    }

    private static Task<UpdateOutcome> InstallAsync(CommandContext context, Device device, string path, CancellationToken cancellation)
    {
        if (!File.Exists(path) && !Directory.Exists(path))
            throw new StoppedException(ExitCode.NotFound, $"{path}: no such file or directory");
        var bundles = Directory.Exists(path) ? BundleShelf.Choose(device, path) : [path];
        return new BundleJob(device, context.Output.Progress(context.Clock), context.Output.Say).InstallAsync(bundles, cancellation);
    }

    // What was installed is installed, whatever the stick is like.
    private static void TryReport(CommandContext context, Device device, string stick)
    {
        try
        {
            context.Output.Say($"report for the server: {StickReport.Write(device, stick)}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            context.Output.Say($"no report was written onto the stick: {e.Message}");
        }
    }
}
