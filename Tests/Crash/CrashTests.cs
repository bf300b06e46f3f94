using System.Collections.Concurrent;
using ContentTree.Tests.Support;
using Xunit.Abstractions;

namespace ContentTree.Tests.Crash;

/// <summary>Kills and failing disks at every call that changes a file system, in every workflow of a device; docs/testing.md.</summary>
[Trait("Category", "Slow")]
public sealed class CrashTests(CrashLab lab, ITestOutputHelper output) : IClassFixture<CrashLab>
{
    private const int MostShown = 8;

    // Share of all trials. Where every call fits into it, the rest goes to the others.
    private const double Kills = 0.55;

    public static TheoryData<string> Workflows => [.. Workflow.All.Select(workflow => workflow.Name)];

    [Theory]
    [MemberData(nameof(Workflows))]
    public async Task Killed_at_any_call_it_keeps_every_promise(string name)
    {
        var workflow = Workflow.Find(name);
        await TryAsync(workflow, [.. CrashProfile.Spread(Calls(workflow), Room(workflow, Kills)).Select(call => new Fault[] { new Fault.Kill(call) })]);
    }

    [Theory]
    [MemberData(nameof(Workflows))]
    public async Task Killed_again_while_it_recovers_it_keeps_every_promise(string name)
    {
        var workflow = Workflow.Find(name);
        var random = new Random(CrashProfile.Seed);
        var pairs = Enumerable.Range(0, (int)Room(workflow, Pairs))
            .Select(_ => new Fault[] { new Fault.Kill(random.NextInt64(Calls(workflow)) + 1), new Fault.Kill(random.NextInt64(Calls(workflow)) + 1) });
        await TryAsync(workflow, [.. pairs]);
    }

    [Theory]
    [MemberData(nameof(Workflows))]
    public async Task Where_the_disk_fails_it_says_so_and_loses_nothing(string name)
    {
        var workflow = Workflow.Find(name);
        var errors = Enum.GetValues<Errno>();
        var failing = CrashProfile.Spread(errors.Length * Calls(workflow), Room(workflow, Errors))
            .Select(number => new Fault[] { new Fault.Fail((number - 1) / errors.Length + 1, errors[(int)((number - 1) % errors.Length)]) });
        await TryAsync(workflow, [.. failing]);
    }

    private double Pairs => (1 - Math.Min(Kills, lab.AllCalls / (double)CrashProfile.Trials)) / 2;

    private double Errors => Pairs;

    private int Calls(Workflow workflow) => lab.Of(workflow).Calls.Count;

    private long Room(Workflow workflow, double share) => Math.Max(1, (long)(CrashProfile.Trials * share * Calls(workflow) / lab.AllCalls));

    private async Task TryAsync(Workflow workflow, IReadOnlyList<Fault[]> trials)
    {
        var failures = new ConcurrentQueue<string>();
        await Parallel.ForEachAsync(trials, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, async (faults, _) =>
        {
            if (await new CrashTrial(lab, workflow, faults).RunAsync() is { } failure)
                failures.Enqueue(failure);
        });
        var summary = $"{workflow.Name}: {trials.Count} trials, {Calls(workflow)} calls, {failures.Count} failed, CTREE_CRASH_SEED={CrashProfile.Seed}";
        output.WriteLine(summary);
        Record(summary);
        failures.Take(MostShown).Should().BeEmpty(summary);
    }

    private static void Record(string line)
    {
        Directory.CreateDirectory(ProjectFiles.PathOf(".work/results"));
        File.AppendAllLines(ProjectFiles.PathOf(".work/results/crash.txt"), [line]);
    }
}
