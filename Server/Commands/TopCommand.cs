using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using ContentTree.Server.Backups;
using ContentTree.Server.Dashboard;
using ContentTree.Server.Fleet;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Privacy;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary><c>top</c>: how the fleet stands, on a terminal, again and again.</summary>
internal static class TopCommand
{
    // Home; what is written takes the place of what was there, and the rest is cleared: nothing flickers.
    private const string Home = "\u001b[H";
    private const string ClearLine = "\u001b[K";
    private const string ClearRest = "\u001b[J";
    private const string Begin = "\u001b[?25l\u001b[2J";
    private const string End = "\u001b[?25h";

    private const int LongestPause = 3600;

    public static Command Create(CommandContext context)
    {
        var once = new Option<bool>("--once") { Description = "print it and end; so it does where the output is no terminal" };
        var every = new Option<int>("--every") { Description = "seconds between two looks", DefaultValueFactory = _ => 3, HelpName = "N" };
        var (server, token, json) = (CommandContext.Server(), CommandContext.Token(), CommandContext.Json());
        return CommandContext.Run(new Command("top", "Show how the fleet stands, again and again.") { once, every, server, token, json }, async (parsed, cancellation) =>
        {
            var pause = parsed.GetValue(every) is > 0 and <= LongestPause and var seconds ? TimeSpan.FromSeconds(seconds) : throw new UsageException($"--every is from 1 to {LongestPause} seconds");
            using var client = CommandContext.Connect(parsed, server, token);
            var local = client is null ? Local(context, parsed) : null;
            var place = parsed.GetValue(server)?.Authority ?? context.DataPath(parsed);
            Task<OverviewInfo> LookAsync() => client is null ? Task.FromResult((local ?? throw new System.Diagnostics.UnreachableException()).Read()) : client.GetAsync(Routes.Overview, ProtocolJson.Default.OverviewInfo, cancellation);
            var first = await LookAsync();
            if (parsed.GetValue(json))
                context.Terminal.PrintJson("ctree-server.overview/1", JsonSerializer.SerializeToNode(first, ProtocolJson.Default.OverviewInfo) as JsonObject ?? []);
            else if (parsed.GetValue(once) || Console.IsOutputRedirected)
                context.Terminal.Out.WriteLine(string.Join('\n', TopScreen.Lines(first, place)));
            else
                await WatchAsync(context, first, LookAsync, place, pause, cancellation);
            return ExitCode.Done;
        });
    }

    private static async Task WatchAsync(CommandContext context, OverviewInfo first, Func<Task<OverviewInfo>> look, string place, TimeSpan pause, CancellationToken cancellation)
    {
        var (seen, trouble) = (first, "");
        await context.Terminal.Out.WriteAsync(Begin);
        try
        {
            while (true)
            {
                var lines = TopScreen.Lines(seen, place, trouble).Take(Math.Max(2, Console.WindowHeight - 1));
                await context.Terminal.Out.WriteAsync(Home + string.Concat(lines.Select(line => line + ClearLine + "\r\n")) + ClearRest);
                await Task.Delay(pause, context.Time, cancellation);
                try
                {
                    (seen, trouble) = (await look(), "");
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    // What was seen last stays, and how old it is stands there.
                    trouble = Failure.Of(e).Message;
                }
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
        finally
        {
            await context.Terminal.Out.WriteAsync(End);
        }
    }

    private static FleetOverview Local(CommandContext context, ParseResult parsed)
    {
        var data = context.OpenData(parsed);
        var database = data.OpenDatabase();
        var view = new DeviceView(database, new Devices(database, new Tokens(database, context.Time), context.Time), new Decisions(data, database, context.Time), new Entitlements(database), context.Time);
        return new FleetOverview(new FleetCounts(view, database, context.Time), database, new LastBackup(database, data.Path, context.Time), () => new BranchRegister(data, new EmptyBranches(database), context.Time), context.Time);
    }
}
