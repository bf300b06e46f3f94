using System.CommandLine;
using ContentTree.Server.Deltas;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Commands;

/// <summary><c>gc</c>: removes objects that no kept head and no device needs.</summary>
internal static class GcCommand
{
    private const int MaxGraceHours = 10 * 366 * 24;
    private static readonly TimeSpan WaitStep = TimeSpan.FromMilliseconds(200);

    public static Command Create(CommandContext context)
    {
        var keep = new Option<int?>("--keep") { Description = "heads of each branch to keep, newest first (default: all that ever were)", HelpName = "N" };
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
        var dryRun = new Option<bool>("--dry-run") { Description = "say what would be removed, remove nothing" };
        var wait = new Option<bool>("--wait") { Description = "wait for a publish that is under way instead of ending with 11" };
        return CommandContext.Run(new Command("gc", "Remove objects that nothing needs.") { keep, roots, grace, dryRun, wait }, async (parsed, cancellation) =>
        {
            using var data = context.OpenData(parsed);
            var given = (parsed.GetValue(roots) ?? []).Select(text => CommitReference.Resolve(data, context.Time, text)).ToArray();
            while (true)
            {
                try
                {
                    // Lazily: heads are read under the lock, so none can move between reading and removing.
                    var needed = Roots(data, context.Time, parsed.GetValue(keep)).Concat(given);
                    var (removed, bytes, kept) = GarbageCollection.Run(
                        data.Repository, needed, TimeSpan.FromHours(parsed.GetValue(grace)), parsed.GetValue(dryRun));
                    CollectDeltas(context, data, parsed.GetValue(dryRun), cancellation);
                    context.Terminal.Out.WriteLine($"{(parsed.GetValue(dryRun) ? "would remove" : "removed")} {removed} objects, {bytes} bytes; {kept} stay");
                    return ExitCode.Done;
                }
                catch (StoreLockedException) when (parsed.GetValue(wait))
                {
                    await Task.Delay(WaitStep, context.Time, cancellation);
                }
            }
        });
    }

    // After the objects: what went with them tells which deltas lead nowhere.
    private static void CollectDeltas(CommandContext context, DataDirectory data, bool dryRun, CancellationToken cancellation)
    {
        using var deltas = new DeltaStore(data);
        var (removed, bytes) = deltas.Collect(id => data.Repository.Contains(new ObjectName(ObjectKind.Commit, id)), dryRun, cancellation);
        if (removed > 0)
            context.Terminal.Out.WriteLine($"{(dryRun ? "would remove" : "removed")} {removed} deltas, {bytes} bytes");
    }

    private static IEnumerable<ObjectId> Roots(DataDirectory data, TimeProvider time, int? keep)
    {
        var branches = new Branches(data, time);
        foreach (var branch in branches.List())
        {
            yield return branches.ReadHead(branch).Commit;
            foreach (var commit in Kept(data, branches, branch, keep))
                yield return commit;
        }
        foreach (var commit in new Devices(data.OpenDatabase(), new Tokens(data.OpenDatabase(), time), time).CommitsInUse())
        {
            // A device may run what was published on another server.
            if (data.Repository.Contains(new ObjectName(ObjectKind.Commit, commit)))
                yield return commit;
        }
    }

    // Of the archive, what an earlier gc has removed is no longer there to be kept.
    private static IEnumerable<ObjectId> Kept(DataDirectory data, Branches branches, BranchName branch, int? keep) =>
        data.Repository.Heads.ArchivedSequences(branch).Reverse()
            .Select(sequence => branches.ReadArchived(branch, sequence)?.Commit).OfType<ObjectId>()
            .Distinct().Take(keep ?? int.MaxValue)
            .Where(commit => data.Repository.Contains(new ObjectName(ObjectKind.Commit, commit)));
}
