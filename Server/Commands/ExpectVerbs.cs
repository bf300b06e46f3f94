using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Commands;

/// <summary><c>device expect|expected|unexpect</c>: devices that are let in when they come, by lists of their serials.</summary>
internal static class ExpectVerbs
{
    public static IEnumerable<Command> Create(CommandContext context) => [Expect(context), Expected(context), Unexpect(context)];

    private static Command Expect(CommandContext context)
    {
        var file = new Argument<string>("FILE") { Description = "a line for each device: SERIAL [key=SHA256] [group=NAME]... [label.NAME=VALUE]..." };
        var (server, token) = (CommandContext.Server(), CommandContext.Token());
        return CommandContext.Run(new Command("expect", "Let in devices of a list when they come, without a token. Without key= whoever says a serial first is let in by it: name the keys where serials can be guessed.") { file, server, token }, async (parsed, cancellation) =>
        {
            using var fleet = FleetAccess.Open(context, parsed, server, token);
            if (new FileInfo(parsed.GetRequiredValue(file)) is not { Exists: true, Length: <= BodyLimits.ExpectedDevices } list)
                throw new NotFoundException($"{parsed.GetValue(file)}: no list of devices of at most {BodyLimits.ExpectedDevices} bytes");
            var answer = await fleet.ExpectAsync(await File.ReadAllBytesAsync(list.FullName, cancellation), cancellation);
            context.Terminal.Out.WriteLine($"{answer.Added} devices are expected, {answer.Known} lines were known");
            if (answer.Waiting > 0)
                context.Terminal.Error.WriteLine($"{answer.Waiting} devices with such a serial came before and wait: 'device list --filter state==pending', then 'device accept'");
            return ExitCode.Done;
        });
    }

    private static Command Expected(CommandContext context)
    {
        var unused = new Option<bool>("--unused") { Description = "only those that have not come" };
        var (server, token, json) = (CommandContext.Server(), CommandContext.Token(), CommandContext.Json());
        return CommandContext.Run(new Command("expected", "The devices that are let in when they come, and which of them have.") { unused, server, token, json }, async (parsed, cancellation) =>
        {
            using var fleet = FleetAccess.Open(context, parsed, server, token);
            var devices = await fleet.ExpectedAsync(parsed.GetValue(unused), cancellation);
            if (parsed.GetValue(json))
                context.Terminal.PrintJson("ctree-server.expected/1", JsonSerializer.SerializeToNode(new ExpectedDeviceList(devices), ProtocolJson.Default.ExpectedDeviceList) as JsonObject ?? []);
            else
            {
                context.Terminal.PrintTable(["SERIAL", "KEY", "GROUPS", "LABELS", "SINCE", "BY", "USED", "DEVICE"], [.. devices.Select(d => new[]
                {
                    d.Serial, d.Key is { } key ? Printing.Short(key) : "any", d.Groups is { } groups ? string.Join(' ', groups) : "-", d.Labels is { } labels ? string.Join(' ', labels.Select(l => $"{l.Key}={l.Value}")) : "-",
                    Printing.Time(d.Added), d.By, d.Used is null ? "unused" : Printing.Time(d.Used), d.Device?.ToString() ?? "-",
                })]);
            }
            return ExitCode.Done;
        });
    }

    private static Command Unexpect(CommandContext context)
    {
        var serials = new Argument<string[]>("SERIAL") { Description = "serials of the list", Arity = ArgumentArity.ZeroOrMore };
        var unused = new Option<bool>("--unused") { Description = "all that have not come" };
        var (server, token) = (CommandContext.Server(), CommandContext.Token());
        return CommandContext.Run(new Command("unexpect", "Let devices in by their serials no more; whom that let in stays.") { serials, unused, server, token }, async (parsed, cancellation) =>
        {
            using var fleet = FleetAccess.Open(context, parsed, server, token);
            var named = parsed.GetValue(serials) ?? [];
            if (named.Length > 0 == parsed.GetValue(unused))
                throw new UsageException("name serials, or --unused for all that have not come");
            foreach (var serial in named.Cast<string?>().DefaultIfEmpty(null))
                await fleet.UnexpectAsync(serial, cancellation);
            return ExitCode.Done;
        });
    }
}
