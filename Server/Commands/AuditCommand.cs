using System.CommandLine;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using ContentTree.Server.Auditing;
using ContentTree.Server.Client;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary><c>audit list|verify</c>: who changed what, when and why, and whether the log is what was written.</summary>
internal static class AuditCommand
{
    // What a server answers has an upper bound, and reasons may be long.
    private const int PageSize = 100;

    private static readonly string[] Columns = ["number", "time", "actor", "address", "verb", "subject", "before", "after", "reason", "hash"];

    public static Command Create(CommandContext context) => new("audit", "Who changed what, when and why.") { List(context), Verify(context) };

    private static Command List(CommandContext context)
    {
        var limit = new Option<int>("--limit") { Description = "the newest so many", HelpName = "N", DefaultValueFactory = _ => 100 };
        var actor = new Option<string?>("--actor") { Description = "only by this one, for instance 'token 1a2b3c4d'", HelpName = "ACTOR" };
        var verb = new Option<string?>("--verb") { Description = "only this verb, or what is before its dot: device.accept, device", HelpName = "VERB" };
        var subject = new Option<string?>("--subject") { Description = "only what was done to this branch, device or token", HelpName = "NAME" };
        var since = CommandContext.When("--since", "only from then on");
        var (json, csv) = (CommandContext.Json(), new Option<bool>("--csv") { Description = "print a table for spreadsheets" });
        return OnAudit(context, new Command("list", "The newest changes, newest first.") { limit, actor, verb, subject, since, json, csv }, async (log, parsed, cancellation) =>
        {
            var filter = new AuditFilter(parsed.GetValue(actor), parsed.GetValue(verb), parsed.GetValue(subject), parsed.GetValue(since));
            var entries = await ReadAsync(log, filter, cancellation).Take(parsed.GetValue(limit)).ToArrayAsync(cancellation);
            if (parsed.GetValue(json))
                context.Terminal.PrintJson("ctree-server.audit/1", JsonSerializer.SerializeToNode(new AuditList(entries), ProtocolJson.Default.AuditList) as JsonObject ?? []);
            else if (parsed.GetValue(csv))
                PrintCsv(context.Terminal.Out, entries);
            else
                context.Terminal.PrintTable(["NUMBER", "TIME", "ACTOR", "ADDRESS", "VERB", "SUBJECT", "BEFORE", "AFTER", "REASON"], [.. entries.Select(e => Cells(e)[..^1])]);
            return ExitCode.Done;
        });
    }

    private static Command Verify(CommandContext context)
    {
        var head = new Option<AuditHead?>("--head")
        {
            Description = "what an earlier 'audit verify' printed and you kept elsewhere: the log must go on from there",
            HelpName = "NUMBER:HASH",
            CustomParser = result => ParseHead(result.Tokens[0].Value) ?? CommandContext.Fail<AuditHead?>(result, "--head wants NUMBER:HASH, as 'audit verify' prints it"),
        };
        var json = CommandContext.Json();
        return OnAudit(context, new Command("verify", "Check the chain of hashes; prints the newest entry's number and hash, to be kept elsewhere.") { head, json }, async (log, parsed, cancellation) =>
        {
            var (beside, entries) = (await log.HeadAsync(cancellation), await ReadAsync(log, new AuditFilter(), cancellation).ToListAsync(cancellation));
            entries.Reverse();
            var (count, last, broken) = AuditChain.Verify(entries, [.. new[] { parsed.GetValue(head), beside }.OfType<AuditHead>()]);
            broken ??= count > 0 && beside is null ? $"{AuditHeadFile.Name} is missing, so nothing says that the end of the log is still there" : null;
            var end = last is null ? null : AuditHeadFile.Format(last);
            if (parsed.GetValue(json))
                context.Terminal.PrintJson("ctree-server.audit-check/1", new JsonObject { ["entries"] = entries.Count, ["whole"] = count, ["head"] = end, ["broken"] = broken });
            else if (end is not null)
                context.Terminal.Out.WriteLine(end);
            context.Terminal.Error.WriteLine(broken is null ? $"{count} entries, each as it was written" : $"{count} of {entries.Count} entries are as they were written; {broken}");
            return broken is null ? ExitCode.Done : ExitCode.VerificationFailed;
        });
    }

    private static async IAsyncEnumerable<AuditEntry> ReadAsync(Log log, AuditFilter filter, [EnumeratorCancellation] CancellationToken cancellation)
    {
        for (long? below = null; ;)
        {
            var page = await log.ListAsync(filter, below, cancellation);
            foreach (var entry in page)
                yield return entry;
            if (page.Count < PageSize)
                yield break;
            below = page[^1].Number;
        }
    }

    private static AuditHead? ParseHead(string text)
    {
        try
        {
            return AuditHeadFile.Parse(text);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private static void PrintCsv(TextWriter to, IReadOnlyList<AuditEntry> entries)
    {
        to.WriteLine(string.Join(',', Columns));
        foreach (var entry in entries)
            to.WriteLine(string.Join(',', Cells(entry).Select(Quoted)));
    }

    // A spreadsheet would take "=..." for a formula, and whoever has a token writes reasons.
    private static string Quoted(string cell) => $"\"{(cell.Length > 0 && "=+-@\t".Contains(cell[0]) ? "'" : "")}{cell.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static string[] Cells(AuditEntry e) =>
        [e.Number.ToString(CultureInfo.InvariantCulture), Printing.Time(e.Time), e.Actor, e.Address, e.Verb, e.Subject, e.Before, e.After, e.Reason, e.Hash];

    private static Command OnAudit(CommandContext context, Command command, Func<Log, ParseResult, CancellationToken, Task<ExitCode>> run)
    {
        var (server, token) = (CommandContext.Server(), CommandContext.Token());
        command.Add(server);
        command.Add(token);
        return CommandContext.Run(command, async (parsed, cancellation) =>
        {
            using var client = CommandContext.Connect(parsed, server, token);
            using var data = client is null ? context.OpenData(parsed) : null;
            return await run(new Log(client, data is null ? null : new Audit(data, context.Time)), parsed, cancellation);
        });
    }

    // Here or on a server elsewhere.
    private sealed class Log(ServerClient? client, Audit? audit)
    {
        public async Task<IReadOnlyList<AuditEntry>> ListAsync(AuditFilter filter, long? below, CancellationToken cancellation) => audit is not null
            ? audit.List(filter, PageSize, below)
            : (await GetAsync($"?limit={PageSize}&cursor={below}&actor={Escaped(filter.Actor)}&verb={Escaped(filter.Verb)}&subject={Escaped(filter.Subject)}&since={filter.Since?.ToUnixTimeSeconds()}", cancellation)).Entries;

        public async Task<AuditHead?> HeadAsync(CancellationToken cancellation) => audit is not null ? audit.Head() : (await GetAsync("?limit=1", cancellation)).Head;

        private Task<AuditList> GetAsync(string query, CancellationToken cancellation) =>
            client?.GetAsync(Routes.Audit + query, ProtocolJson.Default.AuditList, cancellation) ?? throw new System.Diagnostics.UnreachableException();

        private static string Escaped(string? text) => Uri.EscapeDataString(text ?? "");
    }
}
