using System.CommandLine;
using ContentTree.Deploy.Booting;
using ContentTree.Deploy.Transfer;
using ContentTree.Deploy.Updates;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Commands;

/// <summary><c>bundle install FILE</c>: an update out of one file, without a network.</summary>
internal static class BundleCommand
{
    public static Command Create(Globals globals) => new("bundle", "update from a file that somebody brought") { Install(globals) };

    private static Command Install(Globals globals)
    {
        var file = new Argument<string>("FILE") { Description = "what 'ctree-server bundle' made" };
        var reboot = new Option<bool>("--reboot") { Description = "reboot into the new deployment" };
        var rebootCode = new Option<bool>("--reboot-exit-code") { Description = "end with 4 when a reboot is needed" };
        var command = new Command("install", "deploy what a bundle brings, if the device's keys have signed it and it is newer") { file, reboot, rebootCode };
        command.SetAction(globals.Run((context, parse, cancellation) => context.JobAsync(async device =>
        {
            var path = parse.GetRequiredValue(file);
            if (!File.Exists(path))
                throw new StoppedException(ExitCode.NotFound, $"{path}: no such file");
            // Read once before anything is asked of it, so that a wrong file is called one.
            new BundleFile(path).Dispose();
            using var sources = Sources.OfBundle(path, device.Config, device.State, device.Clock);
            var outcome = await new UpdateJob(device, sources, context.Output.Progress(context.Clock)).RunAsync(cancellation).ConfigureAwait(false);
            outcome = UpdateCommand.Activated(device, outcome, context.Output);
            UpdateCommand.Print(context.Output, device, outcome);
            if (parse.GetValue(reboot) && outcome.RebootNeeded)
                Reboot.Run(device, context.Output.Say);
            var code = parse.GetValue(rebootCode) && outcome.RebootNeeded ? ExitCode.RebootNeeded : ExitCode.Done;
            return (code, UpdateCommand.Text(outcome));
        }, cancellation)));
        return command;
    }
}
