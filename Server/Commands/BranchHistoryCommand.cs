using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary><c>branch history</c>: where a branch has been, who moved it, how and why.</summary>
internal static class BranchHistoryCommand
{
    private const int MaxLimit = 1000;

    public static Command Create(CommandContext context)
    {
        var name = CommandContext.Branch("BRANCH");
        var limit = new Option<int>("--limit") { Description = "positions to show at most", HelpName = "N", DefaultValueFactory = _ => 50 };
        limit.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > MaxLimit)
                result.AddError($"--limit wants a number from 1 to {MaxLimit}");
        });
        var (server, token, json) = (CommandContext.Server(), CommandContext.Token(), CommandContext.Json());
        return CommandContext.Run(new Command("history", "Where a branch has been, who moved it, how and why.") { name, limit, server, token, json }, async (parsed, cancellation) =>
        {
            using var client = CommandContext.Connect(parsed, server, token);
            var history = client is null
                ? Local(context, parsed, name, limit)
                : await client.GetAsync($"{Routes.History(parsed.GetValue(name))}?limit={parsed.GetValue(limit)}", ProtocolJson.Default.BranchHistory, cancellation);
            if (parsed.GetValue(json))
                context.Terminal.PrintJson("ctree-server.branch-history/1", JsonSerializer.SerializeToNode(history, ProtocolJson.Default.BranchHistory) as JsonObject ?? []);
            else
                context.Terminal.PrintTable(["SEQUENCE", "COMMIT", "WHEN", "HOW", "BY", "WHY"],
                    [.. history.Positions.Select(p => new[] { $"{p.Sequence}", Printing.Short(p.Commit), Printing.Time(p.Created), p.Verb ?? "-", p.By ?? "-", p.Reason ?? "" })]);
            return ExitCode.Done;
        });
    }

    private static BranchHistory Local(CommandContext context, ParseResult parsed, Argument<Store.Objects.BranchName> name, Option<int> limit)
    {
        using var data = context.OpenData(parsed);
        return new BranchHistory(new BranchRegister(data, new EmptyBranches(data.OpenDatabase()), context.Time).History(parsed.GetValue(name), parsed.GetValue(limit)));
    }
}
