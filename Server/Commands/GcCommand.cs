using System.CommandLine;
using ContentTree.Server.Deltas;
using ContentTree.Server.Fleet;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Commands;

/// <summary><c>gc</c>: removes objects that no kept head and no device needs, and says why others stay.</summary>
internal static class GcCommand
{
    private const int MaxGraceHours = 10 * 366 * 24;
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
            DefaultValueFactory = _ => 24,
        };
        grace.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 0 or > MaxGraceHours)
                result.AddError($"--grace wants hours from 0 to {MaxGraceHours}");
        });
        var dryRun = new Option<bool>("--dry-run") { Description = "say which commits would go, and why others stay; remove nothing" };
        var wait = new Option<bool>("--wait") { Description = "wait for a backup or another gc instead of ending with 11" };
        var json = CommandContext.Json();
        return CommandContext.Run(new Command("gc", "Remove objects that nothing needs.") { keep, roots, grace, dryRun, wait, json }, async (parsed, cancellation) =>
        {
            using var data = context.OpenData(parsed);
            var given = (parsed.GetValue(roots) ?? []).Select(text => CommitReference.Resolve(data, context.Time, text)).ToArray();
            var database = data.OpenDatabase();
            var retention = new Retention(data, database, new Devices(database, new Tokens(database, context.Time), context.Time), context.Time, parsed.GetValue(keep));
            var report = new GcReport(context.Terminal, data.Repository, parsed.GetValue(dryRun), parsed.GetValue(json));
            while (true)
            {
                try
                {
                    // Lazily: heads are read when the collection has begun.
                    var kept = new KeptCommits();
                    var garbage = GarbageCollection.Run(data.Repository, Needed(), TimeSpan.FromHours(parsed.GetValue(grace)), parsed.GetValue(dryRun));
                    var deltas = CollectDeltas(data, garbage, parsed.GetValue(dryRun), cancellation);
                    if (!parsed.GetValue(dryRun))
                        context.Note(data, "repository.gc", "all", after: $"{garbage.Commits.Count} commits removed");
                    report.Print(garbage, kept, retention.Silent, deltas);
                    return ExitCode.Done;

                    IEnumerable<ObjectId> Needed()
                    {
                        kept = retention.Find(given);
                        foreach (var commit in kept.All)
                            yield return commit;
                    }
                }
                catch (StoreLockedException) when (parsed.GetValue(wait))
                {
                    await Task.Delay(WaitStep, context.Time, cancellation);
                }
            }
        });
    }

    // After the objects: what went with them tells which deltas lead nowhere.
    private static (int Removed, long Bytes) CollectDeltas(DataDirectory data, CollectedGarbage garbage, bool dryRun, CancellationToken cancellation)
    {
        using var deltas = new DeltaStore(data);
        var gone = garbage.Commits.ToHashSet();
        return deltas.Collect(id => !gone.Contains(id) && data.Repository.Contains(new ObjectName(ObjectKind.Commit, id)), dryRun, cancellation);
    }
}
