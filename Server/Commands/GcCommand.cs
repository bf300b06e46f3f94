using System.CommandLine;
using ContentTree.Server.Client;
using ContentTree.Server.Deltas;
using ContentTree.Server.Fleet;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Commands;

/// <summary><c>gc</c>: removes objects that no kept head and no device needs, and says why others stay.</summary>
internal static class GcCommand
{
    private static readonly TimeSpan WaitStep = TimeSpan.FromMilliseconds(200);

    public static Command Create(CommandContext context)
    {
        var keep = new Option<int?>("--keep") { Description = "heads of each branch to keep, newest first (default: history.keep of server.conf, else all that ever were)", HelpName = "N" };
        keep.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() < 1)
                result.AddError("--keep wants a number above 0: a branch's newest head is always kept");
        });
        var roots = new Option<string[]>("--root") { Description = $"also keep this commit ({CommitReference.Help}); may be given several times", HelpName = "COMMIT" };
        var grace = new Option<int>("--grace")
        {
            Description = "hours for which an unneeded object stays; longer than any remote publish takes",
            HelpName = "HOURS",
            DefaultValueFactory = _ => GarbageRequest.DefaultGraceHours,
        };
        grace.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 0 or > GarbageRequest.MaxGraceHours)
                result.AddError($"--grace wants hours from 0 to {GarbageRequest.MaxGraceHours}");
        });
        var dryRun = new Option<bool>("--dry-run") { Description = "say which commits would go, and why others stay; remove nothing" };
        var wait = new Option<bool>("--wait") { Description = "wait for a backup or another gc instead of ending with 11" };
        var (server, token, json) = (CommandContext.Server(), CommandContext.Token(), CommandContext.Json());
        return CommandContext.Run(new Command("gc", "Remove objects that nothing needs.") { keep, roots, grace, dryRun, wait, server, token, json }, async (parsed, cancellation) =>
        {
            var request = new GarbageRequest(parsed.GetValue(keep), parsed.GetValue(roots), parsed.GetValue(grace), parsed.GetValue(dryRun));
            using var client = CommandContext.Connect(parsed, server, token);
            while (true)
            {
                try
                {
                    var garbage = client is null
                        ? Collect(context, parsed, request, cancellation)
                        : await client.PostAndWaitAsync(Routes.Garbage, request, ProtocolJson.Default.GarbageRequest, ProtocolJson.Default.GarbageInfo, cancellation);
                    GcReport.Print(context.Terminal, garbage, parsed.GetValue(json));
                    return ExitCode.Done;
                }
                catch (Exception e) when (parsed.GetValue(wait) && e is StoreLockedException or RemoteProblemException { Problem.Code: ProblemCode.Locked })
                {
                    await Task.Delay(WaitStep, context.Time, cancellation);
                }
            }
        });
    }

    private static GarbageInfo Collect(CommandContext context, ParseResult parsed, GarbageRequest request, CancellationToken cancellation)
    {
        using var data = context.OpenData(parsed);
        using var deltas = new DeltaStore(data);
        var database = data.OpenDatabase();
        var devices = new Devices(database, new Tokens(database, context.Time), context.Time);
        var roots = (request.Roots ?? []).Select(text => CommitReference.Resolve(data, context.Time, text)).ToArray();
        var garbage = new Garbage(data, devices, deltas, context.Time).Collect(request, roots, cancellation);
        if (!request.DryRun)
            context.Note(data, "repository.gc", "all", after: $"{garbage.Removed.Count} commits removed");
        return garbage;
    }
}
