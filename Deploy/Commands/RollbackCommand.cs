using System.CommandLine;
using ContentTree.Deploy.Booting;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Commands;

/// <summary><c>rollback</c>: back to the last good deployment.</summary>
internal static class RollbackCommand
{
    public static Command Create(Globals globals)
    {
        var reboot = new Option<bool>("--reboot") { Description = "reboot into it" };
        var command = new Command("rollback", "go back to the last good deployment; its successor is not taken again until the branch has another commit") { reboot };
        command.SetAction(globals.Run((context, parse, cancellation) => context.ChangeAsync(device =>
        {
            var document = Run(device, context.Output.Say);
            context.Output.Write(document, DocumentJson.Default.SwitchedDocument, Text);
            if (parse.GetValue(reboot) && document.RebootNeeded)
                Reboot.Run(device, context.Output.Say);
            return ExitCode.Done;
        }, cancellation)));
        return command;
    }

    /// <summary>Goes back, and starts what it went back to where that takes no reboot; the caller holds the device's lock.</summary>
    public static SwitchedDocument Run(Device device, Action<string> say)
    {
        if (FallbackSettlement.Settle(device) is { } failed)
            say($"{failed} had failed and was left by itself");
        else
            say($"left {Rollback.Run(device).From}");
        if (Describe(device).RebootNeeded && LinkActivation.IsAutomatic(device))
            LinkActivation.Run(device, say);
        return Describe(device);
    }

    private static SwitchedDocument Describe(Device device)
    {
        var record = device.Boot.Read() ?? throw new StoppedException(ExitCode.NothingToSteer, "the boot file names no deployment");
        return new SwitchedDocument(record.Wanted, record.Previous, device.Booted is { } booted && booted.Deployment != record.Wanted);
    }

    private static string Text(SwitchedDocument now) =>
        $"{now.Deployment} {(now.RebootNeeded ? "boots next" : "is the good one")}";
}
