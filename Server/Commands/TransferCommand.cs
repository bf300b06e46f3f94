using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using ContentTree.Server.Auditing;
using ContentTree.Server.Client;
using ContentTree.Server.Endpoints;
using ContentTree.Server.Fleet.Transfers;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary><c>transfer list|set|remove</c>: how devices are to fetch content.</summary>
internal static class TransferCommand
{
    public static Command Create(CommandContext context) => new("transfer", "Say how fast, how much and when devices fetch content.") { List(context), Set(context), Remove(context) };

    private static Command List(CommandContext context)
    {
        var json = CommandContext.Json();
        return OnBook(context, new Command("list", "All that was said.") { json }, async (_, book, client, parsed, cancellation) =>
        {
            var all = book?.List() ?? (await Required(client).GetAsync(Routes.Transfers, ProtocolJson.Default.TransferList, cancellation)).Transfers;
            if (parsed.GetValue(json))
                context.Terminal.PrintJson("ctree-server.transfers/1", JsonSerializer.SerializeToNode(new TransferList(all), ProtocolJson.Default.TransferList) as JsonObject ?? []);
            else
                context.Terminal.PrintTable(["SCOPE", "RATE", "BUDGET", "QUIET", "BY", "SINCE"], [.. all.Select(t => new[] { t.Scope, Limit(t.Policy.MaxRate), Limit(t.Policy.DailyBudget), t.Policy.QuietHours switch { null => "-", "" => "none", var quiet => quiet }, t.By, Printing.Time(t.Created) })]);
            return ExitCode.Done;
        });
    }

    private static Command Set(CommandContext context)
    {
        var scope = Scope();
        var rate = new Option<string?>("--max-rate") { Description = "bytes a second, also with K, M or G; 0: no limit, whatever wider scopes say", HelpName = "N" };
        var budget = new Option<string?>("--daily-budget") { Description = "bytes a day from midnight UTC; 0: no limit", HelpName = "N" };
        var quiet = new Option<string?>("--quiet-hours") { Description = "no content then: 22:00-06:00 of the device's time, or '22:00-06:00 UTC'; '': at any time", HelpName = "HOURS" };
        return OnBook(context, new Command("set", "Say it of a scope, in the place of what was said of it before.") { scope, rate, budget, quiet }, async (data, book, client, parsed, cancellation) =>
        {
            var of = TransferScope.Checked(parsed.GetRequiredValue(scope));
            var policy = new TransferPolicy(Bytes(parsed.GetValue(rate)), Bytes(parsed.GetValue(budget)), parsed.GetValue(quiet));
            var said = book is not null
                ? book.Set(of, policy, Actor.Here.Name)
                : await Required(client).PutAsync($"{Routes.Transfers}/{of}", policy, ProtocolJson.Default.TransferPolicy, ProtocolJson.Default.TransferInfo, cancellation);
            if (data is not null)
                context.Note(data, "transfer.set", said.Scope, after: TransferEndpoints.Words(said.Policy));
            context.Terminal.Out.WriteLine($"{said.Scope} {TransferEndpoints.Words(said.Policy)}");
            return ExitCode.Done;
        });
    }

    private static Command Remove(CommandContext context)
    {
        var scope = Scope();
        return OnBook(context, new Command("remove", "Take back what was said of a scope.") { scope }, async (data, book, client, parsed, cancellation) =>
        {
            var of = TransferScope.Checked(parsed.GetRequiredValue(scope));
            if (book is not null)
                book.Remove(of);
            else
                await Required(client).DeleteAsync($"{Routes.Transfers}/{of}", cancellation);
            if (data is not null)
                context.Note(data, "transfer.remove", of);
            return ExitCode.Done;
        });
    }

    private static Command OnBook(CommandContext context, Command command, Func<DataDirectory?, TransferBook?, ServerClient?, ParseResult, CancellationToken, Task<ExitCode>> action)
    {
        var (server, token) = (CommandContext.Server(), CommandContext.Token());
        command.Add(server);
        command.Add(token);
        return CommandContext.Run(command, async (parsed, cancellation) =>
        {
            using var client = CommandContext.Connect(parsed, server, token);
            var data = client is null ? context.OpenData(parsed) : null;
            return await action(data, data is null ? null : new TransferBook(data.OpenDatabase(), context.Time), client, parsed, cancellation);
        });
    }

    private static ServerClient Required(ServerClient? client) => client ?? throw new System.Diagnostics.UnreachableException();

    private static Argument<string> Scope() => new("SCOPE") { Description = "fleet, branch:NAME, group:NAME or device:ID" };

    private static string Limit(long? limit) => limit switch { null => "-", 0 => "none", _ => $"{limit}" };

    private static long? Bytes(string? text)
    {
        if (text is null)
            return null;
        var scale = text.Length > 1 ? text[^1] switch { 'K' => 1000L, 'M' => 1_000_000, 'G' => 1_000_000_000, _ => 1 } : 1;
        return long.TryParse(scale > 1 ? text[..^1] : text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count <= long.MaxValue / scale
            ? count * scale
            : throw new UsageException($"'{text}' is no number of bytes: digits, and K, M or G behind them");
    }
}
