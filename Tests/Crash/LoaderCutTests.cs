using System.Diagnostics;
using ContentTree.Tests.Deploy;
using ContentTree.Tests.EndToEnd;
using ContentTree.Tests.Support;
using Xunit.Abstractions;

namespace ContentTree.Tests.Crash;

/// <summary>
/// Power cuts of a device whose kernels and boot loader lie on FAT: recorded in a virtual machine, and looked at in another one.
/// docs/testing.md.
/// </summary>
[Trait("Category", "Qemu")]
[Collection("Qemu 1")]
public sealed class LoaderCutTests(ITestOutputHelper output)
{
    private const int MostShown = 8;
    private const int RecoverOneIn = 20;
    private const int UnflushedStates = 10;

    [CutFact]
    public async Task With_kernels_on_fat_every_power_cut_leaves_a_loader_that_starts_a_whole_one()
    {
        using var directory = new TemporaryDirectory();
        await using var server = await TestServer.StartAsync();
        var watch = Stopwatch.StartNew();
        var recording = CutRecording.Make(await LoaderLife.PrepareAsync(server, directory.Path), directory["machine"], CutRoot.Ext4WithFat, LoaderLife.Steps);
        var recorded = watch.Elapsed;
        var promise = new FatPromise(recording);
        var states = LoaderLife.Choose(recording, CrashProfile.LoaderCuts);
        List<string> failures, unflushed;
        using (var disk = new FatDisk(recording, directory.Path))
        {
            foreach (var at in recording.Acknowledged)
                promise.Learn(disk.Look(new CutState(CutState.Prefix, at, at + 1, [at])));
            disk.Restart();
            failures = [.. states.Select((state, at) => Try(disk, promise, state, recovers: at % RecoverOneIn == 0)).OfType<string>()];
            disk.Restart();
            unflushed = [.. Unflushed(recording).Select(state => Try(disk, promise, state, recovers: false)).OfType<string>()];
        }

        var kinds = string.Join(", ", states.CountBy(state => state.Kind).Select(kind => $"{kind.Value} {kind.Key}"));
        var summary = $"power cuts, kernels and loader on FAT: {recording.Writes.Count(LoaderLife.IsOnFat)} writes to it, {recording.Writes.Count(write => write.IsFlush)} flushes; " +
            $"{states.Count} states ({kinds}), {failures.Count} failed, CTREE_CRASH_SEED={CrashProfile.Seed}, recorded in {recorded.TotalSeconds:0} s, tried in {(watch.Elapsed - recorded).TotalSeconds:0} s";
        output.WriteLine(summary);
        CrashProfile.Record(summary);
        failures.Take(MostShown).Should().BeEmpty(summary);
        unflushed.Should().NotBeEmpty("a disk that does not flush loses something, and that is seen");
    }

    private static string? Try(FatDisk disk, FatPromise promise, CutState state, bool recovers)
    {
        try
        {
            promise.Check(disk.Look(state), state);
            if (recovers)
                promise.CheckEntry(disk.Recover(state));
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
