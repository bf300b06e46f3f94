using System.Collections.Concurrent;
using ContentTree.Tests.Boot;
using Xunit.Abstractions;

namespace ContentTree.Tests.Crash;

/// <summary>Kills and failing disks at every call that changes a file system, in every workflow of a device; docs/testing.md.</summary>
[Trait("Category", "Slow")]
public sealed class CrashTests(CrashLab lab, ITestOutputHelper output) : IClassFixture<CrashLab>
{
    private const int MostShown = 8;

    // With fewer the runtime does not start; an undisturbed device has some 270 open.
    private const int FewestFiles = 12;

    // Shares of all trials; what one cannot use goes to the next.
    private const double KillShare = 0.6;
    private const double ErrorShare = 0.5;

    private static readonly Errno[] Errors = Enum.GetValues<Errno>();

    public static TheoryData<string> Workflows => [.. Workflow.All.Select(workflow => workflow.Name)];

    [Theory]
    [MemberData(nameof(Workflows))]
    public async Task Killed_at_any_call_it_keeps_every_promise(string name)
    {
        var workflow = Workflow.Find(name);
        await TryAsync(workflow, [.. CrashProfile.Spread(Calls(workflow), CrashProfile.Level(Kills, AllCalls)).Select(call => new Fault[] { new Fault.Kill(call) })]);
    }

    [Theory]
    [MemberData(nameof(Workflows))]
    public async Task Killed_again_while_it_recovers_it_keeps_every_promise(string name)
    {
        var workflow = Workflow.Find(name);
        var random = new Random(CrashProfile.Seed);
        // One in ten is killed a third time.
        var kills = Enumerable.Range(0, (int)Pairs)
            .Select(number => Enumerable.Range(0, number % 10 == 0 ? 3 : 2).Select(_ => (Fault)new Fault.Kill(random.NextInt64(Calls(workflow)) + 1)).ToArray());
        await TryAsync(workflow, [.. kills]);
    }

    [Theory]
    [MemberData(nameof(Workflows))]
    public async Task Where_the_disk_fails_it_says_so_and_loses_nothing(string name)
    {
        var workflow = Workflow.Find(name);
        var room = CrashProfile.Level(Failures, AllCalls.Select(calls => calls * Errors.Length));
        var failing = CrashProfile.Spread(Calls(workflow) * Errors.Length, room)
            .Select(number => new Fault[] { new Fault.Fail((number - 1) / Errors.Length + 1, Errors[(int)((number - 1) % Errors.Length)]) });
        await TryAsync(workflow, [.. failing]);
    }

    [Theory]
    [MemberData(nameof(Workflows))]
    public Task What_is_no_failure_changes_nothing(string name) =>
        TryAsync(Workflow.Find(name), [.. Enum.GetValues<Annoyance>().Select(annoyance => new Fault[] { new Fault.Nuisance(annoyance) })]);

    [Theory]
    [MemberData(nameof(Workflows))]
    public Task With_few_open_files_it_goes_through_or_says_so_and_loses_nothing(string name) =>
        TryAsync(Workflow.Find(name), [.. Enumerable.Range(0, 20).Select(number => new Fault[] { new Fault.FewFiles(FewestFiles + 18 * number) })]);

    [StraceTheory]
    [InlineData("update")]
    [InlineData("repair")]
    public async Task No_call_that_changes_a_file_system_passes_it_by(string name)
    {
        await using var device = lab.Take(Workflow.Find(name));
        var traced = await FaultyProgram.TraceAsync(device.Root, device.Words);
        traced.Counted.Should().BeGreaterThan(30).And.Be(traced.Seen);
    }

    private IEnumerable<long> AllCalls => Workflow.All.Select(Calls);

    private long Kills => Math.Min((long)(CrashProfile.Trials * KillShare), AllCalls.Sum());

    private long Failures => Math.Min((long)((CrashProfile.Trials - Kills) * ErrorShare), AllCalls.Sum() * Errors.Length);

    private long Pairs => Math.Max(1, (CrashProfile.Trials - Kills - Failures) / Workflow.All.Count);

    private long Calls(Workflow workflow) => lab.Of(workflow).Calls.Count;

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
        CrashProfile.Record(summary);
        failures.Take(MostShown).Should().BeEmpty(summary);
    }
}
