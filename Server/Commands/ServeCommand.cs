using System.CommandLine;
using ContentTree.Server.Endpoints;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary><c>serve</c>: the repository and the interfaces over HTTP, until a signal ends it.</summary>
internal static class ServeCommand
{
    public const string Name = "serve";

    public const string DefaultUrl = "http://127.0.0.1:8480";

    private const int MaxDeltas = 100;
    private const int MaxInterval = 86_400;

    /// <summary>From the signal to the end: twice what requests under way get, so that the rest can be tidied up.</summary>
    public static readonly TimeSpan ShutdownTime = 2 * ServerHost.DrainTime;

    public static Command Create(CommandContext context)
    {
        var urls = new Option<string>("--urls")
        {
            Description = "where to listen, several separated by ';'; port 0 takes a free one",
            HelpName = "URLS",
            DefaultValueFactory = _ => DefaultUrl,
        };
        urls.Validators.Add(result =>
        {
            if (!(result.GetValueOrDefault<string>() ?? "").Split(';').All(IsAddress))
                result.AddError("--urls wants addresses such as http://127.0.0.1:8480, without a path; TLS is the work of a proxy in front (docs/operations.md)");
        });
        var interval = new Option<int>("--interval")
        {
            Description = "seconds that devices are told to wait between polls",
            HelpName = "SECONDS",
            DefaultValueFactory = _ => 1800,
        };
        interval.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > MaxInterval)
                result.AddError($"--interval wants a number of seconds from 1 to {MaxInterval}: devices wait no longer than a day");
        });
        var deltas = new Option<int>("--deltas")
        {
            Description = "earlier commits of each branch from which deltas to the newest are made in the background; 0 makes none",
            HelpName = "N",
            DefaultValueFactory = _ => 3,
        };
        deltas.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 0 or > MaxDeltas)
                result.AddError($"--deltas wants a number from 0 to {MaxDeltas}");
        });
        var (deltaQuota, partQuota) = (Quota("--delta-quota", "deltas", 10L << 30), Quota("--part-quota", "coded parts for deltas to come", 4L << 30));
        var format = new Option<string>("--log-format") { Description = "how lines are written to standard error: text or json", HelpName = "FORMAT", DefaultValueFactory = _ => "text" };
        format.AcceptOnlyFromAmong("text", "json");
        return CommandContext.Run(new Command(Name, "Serve the repository and the device API.") { urls, interval, deltas, deltaQuota, partQuota, format }, async (parsed, cancellation) =>
        {
            using var data = DataDirectory.Create(context.DataPath(parsed), context.Time);
            InitCommand.PrintFirstToken(data, context);
            await using var host = new ServerHost(data, context.Time, new ServerOptions
            {
                Urls = parsed.GetValue(urls) ?? "",
                PollInterval = TimeSpan.FromSeconds(parsed.GetValue(interval)),
                LogsJson = parsed.GetValue(format) == "json",
                Deltas = parsed.GetValue(deltas),
                DeltaQuota = parsed.GetValue(deltaQuota),
                PartQuota = parsed.GetValue(partQuota),
            });
            var listening = await host.StartAsync(cancellation);
            AdminLinkCommand.PrintFirst(data, context, listening.First());
            foreach (var url in listening)
                await context.Terminal.Out.WriteLineAsync($"listening on {url}");
            await host.WaitForShutdownAsync(cancellation);
            return ExitCode.Done;
        });
    }

    private static Option<long> Quota(string name, string what, long bytes)
    {
        var quota = new Option<long>(name)
        {
            Description = $"bytes that {what} may take; those used last stay",
            HelpName = "BYTES",
            DefaultValueFactory = _ => bytes,
        };
        quota.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<long>() < 0)
                result.AddError($"{name} wants a number of bytes");
        });
        return quota;
    }

    private static bool IsAddress(string url)
    {
        try
        {
            var address = BindingAddress.Parse(url);
            // A port that is no number ends up in the host, and a host that is no address would mean all of them.
            return address is { Scheme: "http", PathBase: "", Host.Length: > 0, Port: >= 0 and <= ushort.MaxValue } &&
                (address.IsUnixPipe || address.Host.AsSpan().IndexOfAny(":@?# ") < 0 || address.Host.StartsWith('['));
        }
        catch (Exception e) when (e is FormatException or InvalidOperationException)
        {
            return false;
        }
    }
}
