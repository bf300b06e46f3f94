using System.CommandLine;
using ContentTree.Server.Client;
using ContentTree.Server.Fleet;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Monitoring.Export;
using ContentTree.Server.Privacy;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary><c>monitoring prometheus|rules|nagios|icinga2</c>: files for monitoring systems.</summary>
internal static class MonitoringCommand
{
    private const long MaxAnswer = 1L << 30;

    public static Command Create(CommandContext context)
    {
        var kind = new Argument<string>("WHAT") { Description = string.Join(", ", MonitoringExport.Kinds) };
        kind.AcceptOnlyFromAmong([.. MonitoringExport.Kinds]);
        var filter = new Option<string?>("--filter") { Description = "only devices that fit, such as 'group==lab'", HelpName = "FILTER" };
        var port = new Option<int>("--port") { Description = "where the devices' exporters listen", DefaultValueFactory = _ => PrometheusTargets.UsualPort, HelpName = "N" };
        var (server, token) = (CommandContext.Server(), CommandContext.Token());
        return CommandContext.Run(new Command("monitoring", "Print what monitoring systems read: targets and rules for Prometheus, objects for Nagios and Icinga.") { kind, filter, port, server, token }, async (parsed, cancellation) =>
        {
            var (what, of, at) = (parsed.GetRequiredValue(kind), parsed.GetValue(filter), parsed.GetValue(port));
            if (at is < 1 or > ushort.MaxValue)
                throw new UsageException("--port is a number from 1 to 65535");
            using var client = CommandContext.Connect(parsed, server, token);
            if (client is not null)
                await PrintAsync(context.Terminal, client, $"{Routes.Monitoring}/{what}?port={at}&q={Uri.EscapeDataString(of ?? "")}", cancellation);
            else
            {
                foreach (var piece in Local(context, parsed).Write(what, of, at))
                    context.Terminal.Raw.Write(System.Text.Encoding.UTF8.GetBytes(piece));
            }
            context.Terminal.Raw.Flush();
            return ExitCode.Done;
        });
    }

    // Whole or not at all: a line that breaks is tried again.
    private static async Task PrintAsync(Terminal terminal, ServerClient client, string route, CancellationToken cancellation)
    {
        using var whole = new MemoryStream();
        await client.DownloadAsync(route, MaxAnswer, async (answer, stop) =>
        {
            whole.SetLength(0);
            await answer.CopyToAsync(whole, stop);
        }, cancellation);
        whole.WriteTo(terminal.Raw);
    }

    private static MonitoringExport Local(CommandContext context, ParseResult parsed)
    {
        var data = context.OpenData(parsed);
        var database = data.OpenDatabase();
        var devices = new Devices(database, new Tokens(database, context.Time), context.Time);
        return new MonitoringExport(data, database, new DeviceView(database, devices, new Decisions(data, database, context.Time), new Entitlements(database), context.Time));
    }
}
