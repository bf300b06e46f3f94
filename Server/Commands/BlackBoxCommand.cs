using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Commands;

/// <summary><c>device blackbox DEVICE [DEPLOYMENT]</c>: what a device sent about trials that failed there.</summary>
internal static class BlackBoxCommand
{
    public static Command Create(CommandContext context, Argument<KeyId> device)
    {
        var deployment = new Argument<string?>("DEPLOYMENT") { Description = "the deployment that failed (default: the newest box)", Arity = ArgumentArity.ZeroOrOne };
        var list = new Option<bool>("--list") { Description = "name the boxes instead of showing one" };
        var (server, token, json) = (CommandContext.Server(), CommandContext.Token(), CommandContext.Json());
        var command = new Command("blackbox", "What a device knew about a trial that failed.") { device, deployment, list, server, token, json };
        return CommandContext.Run(command, async (parsed, cancellation) =>
        {
            using var fleet = FleetAccess.Open(context, parsed, server, token);
            var id = parsed.GetValue(device);
            var boxes = await fleet.BlackBoxesAsync(id, cancellation);
            if (parsed.GetValue(list))
            {
                Print(context.Terminal, boxes, parsed.GetValue(json));
                return ExitCode.Done;
            }
            if ((parsed.GetValue(deployment) ?? (boxes.Count > 0 ? boxes[0].Deployment : null)) is not { } name)
            {
                context.Terminal.Error.WriteLine($"device {id} has sent no black box");
                return ExitCode.NotFound;
            }
            var box = await fleet.BlackBoxAsync(id, name, cancellation);
            if (parsed.GetValue(json))
                context.Terminal.PrintJson("ctree-server.blackbox/1", JsonSerializer.SerializeToNode(box, ProtocolJson.Default.BlackBoxInfo) as JsonObject ?? []);
            else
                context.Terminal.Out.Write(box.Text);
            return ExitCode.Done;
        });
    }

    private static void Print(Terminal terminal, IReadOnlyList<BlackBoxInfo> boxes, bool asJson)
    {
        if (asJson)
            terminal.PrintJson("ctree-server.blackboxes/1", JsonSerializer.SerializeToNode(new BlackBoxList(boxes), ProtocolJson.Default.BlackBoxList) as JsonObject ?? []);
        else
            terminal.PrintTable(["DEPLOYMENT", "RECEIVED", "COMMIT"], [.. boxes.Select(b => new[] { b.Deployment, Printing.Time(b.Time), b.Commit?.ToString() ?? "" })]);
    }
}
