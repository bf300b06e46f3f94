using System.Diagnostics;
using ContentTree.Tests.Deploy;
using ContentTree.Tests.Support;
using Xunit.Abstractions;

namespace ContentTree.Tests.Crash;

/// <summary>Machines that update in a loop are cut off at random times, again and again; docs/testing.md.</summary>
[Trait("Category", "Qemu")]
[Collection("Qemu 2")]
public sealed class ChainedCutTests(ITestOutputHelper output)
{
    private const int MostSteps = 6;
    private const int LongestMilliseconds = 800;

    [CutFact]
    public async Task Whenever_the_power_goes_the_machine_boots_something_whole_and_no_acknowledged_switch_is_lost()
    {
        using var directory = new TemporaryDirectory();
        await using var first = await TestServer.StartAsync();
        await using var second = await TestServer.StartAsync();
        var watch = Stopwatch.StartNew();
        var devices = await Task.WhenAll(MakeAsync(first, directory["first"], CutRoot.Ext4WithFat), MakeAsync(second, directory["second"], CutRoot.Ext4));
        var cuts = CrashProfile.ChainedCuts / devices.Length;

        await Task.WhenAll(devices.Select((device, number) => Task.Run(() => LiveThrough(device, cuts, new Random(CrashProfile.Seed + number)))));

        var summary = $"chained power cuts: {cuts * devices.Length} on {devices.Length} machines, {devices.Sum(device => device.Switches)} acknowledged switches, 0 lost, " +
            $"CTREE_CRASH_SEED={CrashProfile.Seed}, {watch.Elapsed.TotalSeconds:0} s";
        output.WriteLine(summary);
        CrashProfile.Record(summary);
        devices.Should().OnlyContain(device => device.Switches > 0, "the machines get somewhere between the cuts");
    }

    private static async Task<ChainedDevice> MakeAsync(TestServer server, string directory, CutRoot kind)
    {
        var (root, branches) = await ChainedDevice.PrepareAsync(server, directory);
        var device = new ChainedDevice(Path.Combine(directory, "machine"), root, branches);
        device.Provision(kind);
        return device;
    }

    private static void LiveThrough(ChainedDevice device, int cuts, Random random)
    {
        for (var cut = 0; cut < cuts; cut++)
            device.RunAndCut(random.Next(MostSteps), TimeSpan.FromMilliseconds(random.Next(LongestMilliseconds)));
    }
}
