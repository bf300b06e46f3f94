using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using ContentTree.Server.Publishing;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary><c>fsck</c>: reads everything, checks every hash and signature, and says what is damaged or missing.</summary>
internal static class FsckCommand
{
    public static Command Create(CommandContext context)
    {
        var (server, token, json) = (CommandContext.Server(), CommandContext.Token(), CommandContext.Json());
        return CommandContext.Run(new Command("fsck", "Check every object, head and reference of the repository.") { server, token, json }, async (parsed, cancellation) =>
        {
            using var client = CommandContext.Connect(parsed, server, token);
            var result = client is null
                ? Check(context, parsed, cancellation)
                : await client.PostAndWaitAsync(Routes.Check, null, ProtocolJson.Default.CheckInfo, ProtocolJson.Default.CheckInfo, cancellation);
            if (parsed.GetValue(json))
                context.Terminal.PrintJson("ctree-server.fsck/1", JsonSerializer.SerializeToNode(result, ProtocolJson.Default.CheckInfo) as JsonObject ?? []);
            else
            {
                foreach (var damage in result.Damage)
                    context.Terminal.Out.WriteLine($"{damage.What}: {damage.Reason}");
            }
            context.Terminal.Error.WriteLine($"{result.Objects} objects ({result.Bytes} bytes) and {result.Heads} heads checked, {result.Damage.Count} damaged or missing");
            if (result.Damage.Count == 0)
                return ExitCode.Done;
            context.Terminal.Error.WriteLine("publish the same source again with --no-cache: it replaces damaged and missing objects (docs/operations.md, \"Repair\")");
            return ExitCode.VerificationFailed;
        });
    }

    private static CheckInfo Check(CommandContext context, ParseResult parsed, CancellationToken cancellation)
    {
        using var data = context.OpenData(parsed);
        return FullCheck.Run(data, context.Time, cancellation).ToInfo();
    }
}
