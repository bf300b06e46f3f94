using System.CommandLine;
using ContentTree.Deploy.State;
using ContentTree.Deploy.Transfer;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Deploy.Commands;

/// <summary><c>key show</c>, <c>key rotate</c>: the key that names this device to its server; <c>key trust</c>, <c>key distrust</c>: developers whose trees it takes.</summary>
internal static class KeyCommand
{
    public static Command Create(Globals globals) => new("key", "this device's key, and those of developers that it trusts")
    {
        Show(globals), Rotate(globals), Trust(globals), Distrust(globals),
    };

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

    private static Command Trust(Globals globals)
    {
        var file = new Argument<string>("FILE") { Description = "a developer's public key, PEM" };
        var command = new Command("trust", "make this a development unit: it also takes what this key signs below dev/") { file };
        command.SetAction(globals.Run((context, parse, cancellation) => context.ChangeAsync(device =>
        {
            var key = PublicKey.Parse(File.ReadAllText(parse.GetRequiredValue(file)));
            new DeveloperKeys(device.Root).Add(key);
            context.Output.Say($"ctree: THIS IS A DEVELOPMENT UNIT NOW: it takes what {key.Id} signs below {Role.DeveloperBranches}, once the trust root names that key a developer's; 'ctree key distrust {key.Id}' ends it");
            Print(context.Output, device);
            return ExitCode.Done;
        }, cancellation)));
        return command;
    }

    private static Command Distrust(Globals globals)
    {
        var id = new Argument<string>("KEY") { Description = "a developer key's id, 16 hex digits" };
        var command = new Command("distrust", "take back what 'trust' said") { id };
        command.SetAction(globals.Run((context, parse, cancellation) => context.ChangeAsync(device =>
        {
            var text = parse.GetRequiredValue(id);
            if (!KeyId.TryParse(text, out var key))
                throw new StoppedException(ExitCode.Usage, $"'{text}' is no key id: 16 lower-case hex digits");
            if (!new DeveloperKeys(device.Root).Remove(key))
                throw new StoppedException(ExitCode.NotFound, $"this device does not trust a developer key {key}");
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
        string[] developers = [.. new DeveloperKeys(device.Root).List().Select(developer => developer.Id.ToString())];
        output.Write(
            new KeyDocument(key.Id.ToString(), key.Signing.Id.ToString(), device.State.KeySince(), key.Signing.Public.Pem, developers), DocumentJson.Default.KeyDocument,
            document => $"device {document.Device}\nkey    {document.Key}, since {document.Since:u}\n{document.PublicKey}\n" +
                string.Concat(document.Developers.Select(developer => $"trusts {developer}, a developer's\n")));
    }
}
