using System.Diagnostics;
using ContentTree.Tests.Deploy;
using ContentTree.Tests.Support;
using Xunit.Abstractions;

namespace ContentTree.Tests.Crash;

/// <summary>Power cuts of a device whose disk is f2fs: recorded in a virtual machine, and looked at in another one. docs/testing.md.</summary>
[Trait("Category", "Qemu")]
[Collection("Qemu 1")]
public sealed class F2fsCutTests(ITestOutputHelper output)
{
    private const int MostShown = 8;
    private const int RecoverOneIn = 20;
    private const int UnflushedStates = 20;

    [F2fsFact]
    public async Task With_everything_on_f2fs_every_power_cut_leaves_something_whole_to_boot()
    {
        using var directory = new TemporaryDirectory();
        await using var server = await TestServer.StartAsync();
        var watch = Stopwatch.StartNew();
        var recording = CutRecording.Make(await CutRecording.PrepareAsync(server, directory.Path), directory["machine"], CutRoot.F2fs);
        var recorded = watch.Elapsed;
        var promise = new CutPromise(recording);
        var all = CutState.Choose(recording.Writes, CrashProfile.PowerCuts, new Random(CrashProfile.Seed));
        var chosen = CrashProfile.Spread(all.Count, CrashProfile.F2fsCuts).Select(number => all[(int)number - 1]);
        // An acknowledgement before what it tells of was flushed is what the chosen ones may miss.
        var promised = all.Where(state => state.Kind == CutState.Lost && recording.Acknowledged.Any(at => at >= state.Start && at < state.End));
        IReadOnlyList<CutState> states = [.. chosen.Union(promised).OrderBy(state => state.Start)];
        List<string> failures, unflushed;
        using (var disk = new F2fsDisk(recording, directory.Path))
        {
            foreach (var (step, state) in promise.Acknowledgements)
                promise.Learn(step, disk.Look(state));
            disk.Restart();
            failures = [.. states.Select((state, at) => Try(disk, promise, state, recovers: at % RecoverOneIn == 0)).OfType<string>()];
            disk.Restart();
            unflushed = [.. Unflushed(recording).Select(state => Try(disk, promise, state, recovers: false)).OfType<string>()];
        }

        var kinds = string.Join(", ", states.CountBy(state => state.Kind).Select(kind => $"{kind.Value} {kind.Key}"));
        var summary = $"power cuts, everything on f2fs: {recording.Writes.Count(write => !write.IsFlush)} writes, {recording.Writes.Count(write => write.IsFlush)} flushes; " +
            $"{states.Count} states ({kinds}), {failures.Count} failed, CTREE_CRASH_SEED={CrashProfile.Seed}, recorded in {recorded.TotalSeconds:0} s, tried in {(watch.Elapsed - recorded).TotalSeconds:0} s";
        output.WriteLine(summary);
        CrashProfile.Record(summary);
        failures.Take(MostShown).Should().BeEmpty(summary);
        unflushed.Should().NotBeEmpty("a disk that does not flush loses something, and that is seen");
    }

    private static string? Try(F2fsDisk disk, CutPromise promise, CutState state, bool recovers)
    {
        try
        {
            promise.Check(disk.Look(state), state);
            if (recovers)
                promise.CheckTree(disk.Recover(state, promise.IsDamaged(state)));
            return null;
        }
        catch (Exception e)
        {
            return $"{state}: {e.Message}";
        }
    }

    // Of a disk that only says that it has flushed.
    private static IEnumerable<CutState> Unflushed(CutRecording recording)
    {
        var random = new Random(CrashProfile.Seed);
        return Enumerable.Range(0, UnflushedStates).Select(_ => CutState.OfWhole(recording.Writes.Count, random));
    }
}
