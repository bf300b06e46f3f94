using System.CommandLine;
using System.Text.Json.Nodes;
using ContentTree.Server.Deltas;
using ContentTree.Server.Storage;
using ContentTree.Store.Deltas;
using ContentTree.Store.Deltas.Generation;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary><c>delta</c>: makes the file that leads devices from one commit to another, says what it would cost, or lists those there are.</summary>
internal static class DeltaCommand
{
    private const string None = "none";

    public static Command Create(CommandContext context)
    {
        var from = new Argument<string?>("from") { Description = $"what devices have: {CommitReference.Help}, or '{None}' for a first install", Arity = ArgumentArity.ZeroOrOne };
        var to = new Argument<string?>("to") { Description = $"what they are to have: {CommitReference.Help}", Arity = ArgumentArity.ZeroOrOne };
        var plan = new Option<bool>("--plan") { Description = "say what transfer and disk will cost; makes nothing" };
        var list = new Option<bool>("--list") { Description = "list the deltas there are, and what they cost; makes nothing" };
        var parts = new Option<bool>("--parts") { Description = "list the parts and how each is coded" };
        var fast = new Option<bool>("--fast") { Description = "half the decoding time on the device for a tenth more bytes" };
        var json = CommandContext.Json();
        var command = new Command("delta", "Make the delta between two commits.") { from, to, plan, list, parts, fast, json };
        command.Validators.Add(result =>
        {
            if (result.GetValue(list) == result.GetValue(to) is not null)
                result.AddError("delta wants two commits, or --list alone");
            else if (result.GetValue(json) && !result.GetValue(plan) && !result.GetValue(list))
                result.AddError("--json goes with --plan and --list");
        });
        return CommandContext.Run(command, (parsed, cancellation) =>
        {
            using var data = context.OpenData(parsed);
            using var deltas = new DeltaStore(data);
            if (parsed.GetValue(list))
            {
                List(context.Terminal, deltas, parsed.GetValue(json));
                return ExitCode.Done;
            }
            ObjectId? start = parsed.GetValue(from) == None ? null : CommitReference.Resolve(data, context.Time, parsed.GetValue(from) ?? "");
            var end = CommitReference.Resolve(data, context.Time, parsed.GetValue(to) ?? "");
            if (parsed.GetValue(plan))
            {
                Plan(context.Terminal, DeltaForecast.Of(data.Repository, start, end), deltas.Find(start, end), parsed.GetValue(json));
                return ExitCode.Done;
            }
            var options = new DeltaOptions { PreferSpeed = parsed.GetValue(fast) };
            Make(context.Terminal, deltas, start, end, options, parsed.GetValue(parts), cancellation);
            return ExitCode.Done;
        });
    }

    private static void Make(Terminal terminal, DeltaStore deltas, ObjectId? from, ObjectId to, DeltaOptions options, bool printParts, CancellationToken cancellation)
    {
        var (offer, made) = deltas.Make(from, to, options, (done, all) => terminal.Error.WriteLine($"part {done} of {all}"), cancellation);
        if (made is not null)
            terminal.Error.WriteLine($"{made.Cpu.TotalSeconds:F1} s of processor time, {made.KnownParts} of {made.Header.Parts.Count} parts were there");
        var path = deltas.PathOf(DeltaName.Parse(offer.Name));
        if (printParts)
            PrintParts(terminal, DeltaStore.ReadHeader(path));
        terminal.Out.WriteLine($"{path} {offer.Bytes}");
    }

    private static void Plan(Terminal terminal, DeltaForecast forecast, DeltaOffer? present, bool json)
    {
        var bytes = present?.Bytes ?? forecast.TransferBytes;
        if (json)
        {
            terminal.PrintJson("ctree-server.delta-plan/1", new JsonObject
            {
                ["transferBytes"] = bytes,
                ["isEstimate"] = present is null,
                ["contents"] = forecast.Contents,
                ["contentBytes"] = forecast.Bytes,
                ["withBase"] = forecast.WithBase,
                ["compressed"] = forecast.Compressed,
                ["diskBytes"] = forecast.DiskBytes,
                ["diskInodes"] = forecast.DiskInodes,
            });
            return;
        }
        terminal.Out.WriteLine($"contents  {forecast.Contents}, {forecast.Bytes} bytes; {forecast.WithBase} from old files, {forecast.Compressed} compressed");
        terminal.Out.WriteLine($"disk      {forecast.DiskBytes} bytes, {forecast.DiskInodes} inodes");
        terminal.Out.WriteLine(present is null ? $"transfer  about {bytes} bytes, a guess: the delta is not made yet" : $"transfer  {bytes} bytes");
    }

    private static void List(Terminal terminal, DeltaStore deltas, bool json)
    {
        var costs = deltas.Costs.Read();
        var all = deltas.List().Select(d => (Delta: d, Cost: costs.GetValueOrDefault(d.Name.ToString()))).ToArray();
        if (json)
        {
            terminal.PrintJson("ctree-server.deltas/1", new JsonObject { ["deltas"] = new JsonArray([.. all.Select(d => Describe(d.Delta, d.Cost))]) });
            return;
        }
        terminal.PrintTable(["FROM", "TO", "BYTES", "CPU", "PARTS", "USED"],
            [.. all.Select(d => new[]
            {
                d.Delta.Name.From is { } from ? Printing.Short(from) : None, Printing.Short(d.Delta.Name.To), $"{d.Delta.Bytes}",
                d.Cost is null ? "-" : $"{d.Cost.CpuSeconds:F1} s", d.Cost is null ? "-" : $"{d.Cost.Parts}", Printing.Time(d.Delta.Used),
            })]);
    }

    private static JsonObject Describe(StoredDelta delta, DeltaCost? cost)
    {
        var described = new JsonObject
        {
            ["name"] = delta.Name.ToString(),
            ["from"] = delta.Name.From?.ToString(),
            ["to"] = delta.Name.To.ToString(),
            ["bytes"] = delta.Bytes,
            ["used"] = Printing.Time(delta.Used),
        };
        if (cost is not null)
            (described["cpuSeconds"], described["parts"], described["knownParts"]) = (cost.CpuSeconds, cost.Parts, cost.KnownParts);
        return described;
    }

    private static void PrintParts(Terminal terminal, DeltaHeader header)
    {
        terminal.Out.WriteLine($"header {header.Plan.Offset} plan {header.Plan.CodedLength} of {header.Plan.OutputLength} memory {header.MemoryKiB} KiB");
        foreach (var part in header.Parts)
            terminal.Out.WriteLine($"{part.Codec} {part.CodedLength} of {part.OutputLength}");
    }
}
