using System.CommandLine;
using ContentTree.Deploy.Transfer;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Commands;

/// <summary><c>key show</c>, <c>key rotate</c>: the key that names this device to its server.</summary>
internal static class KeyCommand
{
    public static Command Create(Globals globals) => new("key", "look at this device's key, or change it") { Show(globals), Rotate(globals) };

    private static Command Show(Globals globals)
    {
        var command = new Command("show", "print the device's id and its key");
        command.SetAction(globals.Run((context, _, _) =>
        {
            using var device = context.Open();
            Print(context.Output, device);
            return Task.FromResult(ExitCode.Done);
        }));
        return command;
    }

    private static Command Rotate(Globals globals)
    {
        var command = new Command("rotate", "make a new key; the server knows this device by it from now on");
        command.SetAction(globals.Run((context, _, cancellation) => context.ChangeAsync(async device =>
        {
            using var sources = CommandContext.Connect(device);
            if (!await new KeyRotation(device, sources).RunAsync(cancellation).ConfigureAwait(false))
                throw new StoppedException(ExitCode.NotFound, $"{sources.Server.Connection.Server} keeps no devices; nothing was changed");
            await UseAsync(device, sources, context.Output, cancellation).ConfigureAwait(false);
            Print(context.Output, device);
            return ExitCode.Done;
        }, cancellation)));
        return command;
    }

    // The old key counts until the new one has signed something; what else comes of the poll is the next update's to tell.
    private static async Task UseAsync(Device device, Sources sources, Output output, CancellationToken cancellation)
    {
        try
        {
            await new HeadSource(device, sources).PollAsync(device.State.Follow.Branch, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (Outcome.CodeOf(e) is { } code && code != ExitCode.Cancelled)
        {
            output.Say($"ctree: the new key is in place; the poll after it: {Outcome.MessageOf(e)}");
        }
    }

    private static void Print(Output output, Device device)
    {
        using var key = device.ReadKey();
        output.Write(
            new KeyDocument(key.Id.ToString(), key.Signing.Id.ToString(), device.State.KeySince(), key.Signing.Public.Pem), DocumentJson.Default.KeyDocument,
            document => $"device {document.Device}\nkey    {document.Key}, since {document.Since:u}\n{document.PublicKey}\n");
    }
}
