using System.Collections.Concurrent;
using System.Diagnostics;
using ContentTree.Tests.Deploy;
using ContentTree.Tests.EndToEnd;
using ContentTree.Tests.Support;
using Xunit.Abstractions;

namespace ContentTree.Tests.Crash;

/// <summary>
/// A device lives in a virtual machine that records every write of its disk; then the disk is made what a power cut at any of them may
/// have left, and must boot something whole each time. docs/testing.md.
/// </summary>
[Trait("Category", "Qemu")]
[Collection("Qemu 1")]
public sealed class PowerCutTests(ITestOutputHelper output)
{
    private const int MostShown = 8;

    // A recovery costs as much as ten looks.
    private const int RecoverOneIn = 20;
    private const int UnflushedStates = 20;

    [CutFact]
    public Task With_the_boot_file_on_fat_every_power_cut_leaves_something_whole_to_boot() => TryAsync(CutRoot.Ext4WithFat);

    [CutFact]
    public Task With_everything_on_ext4_every_power_cut_leaves_something_whole_to_boot() => TryAsync(CutRoot.Ext4);

    private async Task TryAsync(CutRoot kind)
    {
        using var directory = new TemporaryDirectory();
        await using var server = await TestServer.StartAsync();
        var watch = Stopwatch.StartNew();
        var recording = CutRecording.Make(await CutRecording.PrepareAsync(server, directory.Path), directory["machine"], kind);
        var recorded = watch.Elapsed;
        var check = new CutCheck(recording, server.Link.Url);
        using (var image = new CutImage(recording.Disk, recording.Writes))
            await check.LearnAsync(image);
        var states = CutState.Choose(recording.Writes, CrashProfile.PowerCuts / 2, new Random(CrashProfile.Seed));

        var failures = await TryAsync(recording, check, states);
        (await TryAsync(recording, check, Unflushed(recording))).Should().NotBeEmpty("a disk that does not flush loses something, and that is seen");

        var kinds = string.Join(", ", states.CountBy(state => state.Kind).Select(kind => $"{kind.Value} {kind.Key}"));
        var summary = $"power cuts, boot file on {(kind == CutRoot.Ext4WithFat ? "FAT" : "ext4")}: {recording.Writes.Count(write => !write.IsFlush)} writes, {recording.Writes.Count(write => write.IsFlush)} flushes; " +
            $"{states.Count} states ({kinds}), {failures.Count} failed, CTREE_CRASH_SEED={CrashProfile.Seed}, recorded in {recorded.TotalSeconds:0} s, tried in {(watch.Elapsed - recorded).TotalSeconds:0} s";
        output.WriteLine(summary);
        CrashProfile.Record(summary);
        failures.Take(MostShown).Should().BeEmpty(summary);
    }

    private static async Task<IReadOnlyCollection<string>> TryAsync(CutRecording recording, CutCheck check, IReadOnlyList<CutState> states)
    {
        var failures = new ConcurrentQueue<string>();
        var workers = Environment.ProcessorCount;
        await Parallel.ForAsync(0, workers, async (worker, _) =>
        {
            using var image = new CutImage(recording.Disk, recording.Writes);
            for (var at = worker * states.Count / workers; at < (worker + 1) * states.Count / workers; at++)
            {
                if (await check.TryAsync(image, states[at], at % RecoverOneIn == 0) is { } failure)
                    failures.Enqueue(failure);
            }
        });
        return failures;
    }

    // Of a disk that only says that it has flushed.
    private static IReadOnlyList<CutState> Unflushed(CutRecording recording)
    {
        var random = new Random(CrashProfile.Seed);
        return [.. Enumerable.Range(0, UnflushedStates).Select(_ => CutState.OfWhole(recording.Writes.Count, random))];
    }
}
