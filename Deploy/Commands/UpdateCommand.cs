using System.CommandLine;
using ContentTree.Deploy.Booting;
using ContentTree.Deploy.Configurations;
using ContentTree.Deploy.State;
using ContentTree.Deploy.Updates;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Commands;

/// <summary><c>update</c>: the whole job once.</summary>
internal static class UpdateCommand
{
    public static Command Create(Globals globals)
    {
        var check = new Option<bool>("--check") { Description = "only ask whether there is anything new" };
        var reboot = new Option<bool>("--reboot") { Description = "reboot into the new deployment" };
        var rebootCode = new Option<bool>("--reboot-exit-code") { Description = "end with 4 when a reboot is needed" };
        var unchangedCode = new Option<bool>("--unchanged-exit-77") { Description = "end with 77 when there is nothing to do" };
        var command = new Command("update", "poll, download, deploy and switch, if there is anything new") { check, reboot, rebootCode, unchangedCode };
        command.SetAction(globals.Run((context, parse, cancellation) => context.JobAsync(async device =>
        {
            using var sources = CommandContext.Connect(device);
            var job = new UpdateJob(device, sources, context.Output.Progress(context.Clock));
            var outcome = parse.GetValue(check)
                ? await job.CheckAsync(cancellation).ConfigureAwait(false)
                : await UpdateAsync(device, job, context.Output, cancellation).ConfigureAwait(false);
            if (!parse.GetValue(check))
                outcome = Activated(device, outcome, context.Output.Say);
            Print(context.Output, device, outcome);
            if (parse.GetValue(reboot) && outcome.RebootNeeded && !parse.GetValue(check))
                Reboot.Run(device, context.Output.Say);
            return (CodeOf(outcome, parse.GetValue(rebootCode), parse.GetValue(unchangedCode)), Text(outcome));
        }, cancellation)));
        return command;
    }

    // Values are no part of a tree: they count also where there is nothing to update, or it failed.
    private static async Task<UpdateOutcome> UpdateAsync(Device device, UpdateJob job, Output output, CancellationToken cancellation)
    {
        try
        {
            return await job.RunAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            await ConfigureAsync(device, output, cancellation).ConfigureAwait(false);
        }
    }

    // It is tried again with each update, and changes nothing of what came of this one.
    private static async Task ConfigureAsync(Device device, Output output, CancellationToken cancellation)
    {
        if (device.Root.Stopped is not null)
            return;
        try
        {
            await new ConfigurationStep(device, output.Say).RunAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (Outcome.CodeOf(e) is { } code && code != ExitCode.Cancelled)
        {
            output.Say($"the configuration could not be put in place: {Outcome.MessageOf(e)}");
            Report(device, code, Outcome.MessageOf(e));
        }
    }

    // Where nothing can be written the same keeps it from being reported; it was said.
    private static void Report(Device device, ExitCode code, string message)
    {
        try
        {
            device.State.Happened(EventKind.NotConfigured, null, null, code, message);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    /// <summary>Starts what was deployed where that takes no reboot.</summary>
    public static UpdateOutcome Activated(Device device, UpdateOutcome outcome, Action<string> say)
    {
        if (!outcome.RebootNeeded || !LinkActivation.IsAutomatic(device))
            return outcome;
        LinkActivation.Run(device, say);
        return outcome with { RebootNeeded = device.IsRebootNeeded };
    }

    public static void Print(Output output, Device device, UpdateOutcome outcome)
    {
        var fetched = device.State.Last.Fetched ?? new Fetched(0, 0, 0);
        var document = new UpdateDocument(
            Word(outcome.Action), outcome.Target.Commit, outcome.Target.Branch, outcome.Target.Sequence, outcome.Deployment, outcome.RebootNeeded, fetched);
        output.Write(document, DocumentJson.Default.UpdateDocument, _ => Text(outcome));
    }

    public static string Text(UpdateOutcome outcome)
    {
        var target = outcome.Target;
        var what = target.Branch is { } branch ? $"{target.Commit} ({branch}, sequence {target.Sequence})" : $"{target.Commit}";
        var text = outcome.Action switch
        {
            UpdateAction.UpToDate => $"up to date: {what}",
            UpdateAction.Skipped => $"nothing to do: {what} was left by a rollback; 'ctree switch' takes it again",
            UpdateAction.Available => $"available: {what}",
            UpdateAction.Downloaded => $"downloaded: {what}; 'ctree deploy {target.Commit}' makes it the next to boot",
            _ => $"deployed: {what} as {outcome.Deployment}",
        };
        return outcome is { RebootNeeded: true, Action: UpdateAction.UpToDate or UpdateAction.Deployed }
            ? $"{text}; a reboot starts {outcome.Deployment}"
            : text;
    }

    private static ExitCode CodeOf(UpdateOutcome outcome, bool rebootCode, bool unchangedCode)
    {
        if (rebootCode && outcome.RebootNeeded)
            return ExitCode.RebootNeeded;
        return unchangedCode && outcome.Action is (UpdateAction.UpToDate or UpdateAction.Skipped) ? ExitCode.Unchanged : ExitCode.Done;
    }

    private static string Word(UpdateAction action) => action switch
    {
        UpdateAction.UpToDate => "none",
        UpdateAction.Skipped => "skipped",
        UpdateAction.Available => "available",
        UpdateAction.Downloaded => "downloaded",
        _ => "deployed",
    };
}
