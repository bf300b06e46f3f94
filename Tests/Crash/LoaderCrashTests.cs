using System.Collections.Concurrent;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Boot;
using ContentTree.Tests.Deploy.Loaders;
using ContentTree.Tests.Support;
using Xunit.Abstractions;

namespace ContentTree.Tests.Crash;

/// <summary>Kills while the files of a boot loader are written: what it starts is always there, and the next run ends as if nothing had happened.</summary>
[Trait("Category", "Slow")]
public sealed class LoaderCrashTests(ITestOutputHelper output)
{
    // One trial in so many of all is for one verb with one loader.
    private const int Share = 100;

    [LoaderFact("extlinux, grub-common, systemd-boot, libubootenv-tool", "fw_printenv", "fw_setenv", "grub-editenv")]
    public Task Extlinux() => TryAsync("extlinux", "true");

    [LoaderFact("grub-common", "grub-editenv")]
    public Task Grub() => TryAsync("grub", "mkdir -p grub && grub-editenv grub/grubenv create");

    [Fact]
    public Task SystemdBoot() => TryAsync("systemd-boot", "true");

    [LoaderFact("libubootenv-tool", "fw_printenv", "fw_setenv")]
    public Task Uboot() => TryAsync("uboot", """
        set -e; cd ../..; head -c 8192 /dev/zero >env.a; cp env.a env.b
        printf '%s 0x0 0x2000\n' "$PWD/env.a" "$PWD/env.b" >etc/fw_env.config
        printf 'altbootcmd=run ctree_back\n' >env.default; fw_setenv -c etc/fw_env.config -f env.default first 2>&1
        """);

    private async Task TryAsync(string loader, string prepare)
    {
        await using var it = await KernelDevice.StartAsync(loader);
        it.Shell(prepare);
        await it.TakeAsync("a");
        it.Publish("b");
        await TryAsync(it, loader, "update");
        await it.Device.UpdateAsync();
        it.Device.BootNow();
        await TryAsync(it, loader, "confirm");
    }

    private async Task TryAsync(KernelDevice it, string loader, string verb)
    {
        using var directory = new Support.TemporaryDirectory();
        var before = LoaderFiles.Of(it.Device.Root);
        var (undisturbed, log) = (Copy(it, directory["undisturbed"]), directory["calls"]);
        (await FaultyProgram.RunAsync(undisturbed, [verb], fault: null, log)).Code.Should().Be(0);
        (await FaultyProgram.RunAsync(undisturbed, ["gc"], fault: null)).Code.Should().Be(0);
        var after = LoaderFiles.Of(undisturbed);
        // Without its boot-once extlinux has nothing to do when a trial is confirmed.
        if (verb == "update")
            after.Text.Should().NotBe(before.Text, "the loader has something to do");

        // From the first call on the boot partition to the end: what is before it belongs to other tests.
        var calls = File.ReadAllLines(log);
        var first = Array.FindIndex(calls, call => call.Contains("/ctree/boot", StringComparison.Ordinal)) + 1;
        var kills = CrashProfile.Spread(calls.Length - first + 1, Math.Max(1, CrashProfile.Trials / Share)).Select(call => first + call - 1).ToArray();
        var failures = new ConcurrentQueue<string>();
        await Parallel.ForEachAsync(kills, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, async (kill, _) =>
        {
            try
            {
                var root = Copy(it, directory[$"kill{kill}"]);
                await FaultyProgram.RunAsync(root, [verb], new Fault.Kill(kill));
                LoaderFiles.Of(root).CheckStarts(before, after);
                var again = await FaultyProgram.RunAsync(root, [verb], fault: null);
                again.Code.Should().Match(code => code == 0 || (verb == "confirm" && code == (int)ExitCode.NothingToSteer), again.Error);
                (await FaultyProgram.RunAsync(root, ["gc"], fault: null)).Code.Should().Be(0);
                LoaderFiles.Of(root).Text.Should().Be(after.Text, "the next run ends as if nothing had happened");
            }
            catch (Exception e)
            {
                failures.Enqueue($"killed at call {kill} of {calls.Length} ({calls[kill - 1]}): {e.Message}");
            }
        });
        var summary = $"{verb} with {loader}: {kills.Length} kills, {calls.Length - first + 1} calls, {failures.Count} failed";
        output.WriteLine(summary);
        CrashProfile.Record(summary);
        failures.Take(4).Should().BeEmpty(summary);
    }

    // The configuration of U-Boot's environment has absolute paths.
    private static string Copy(KernelDevice it, string root)
    {
        Shell.Run($"cp -a '{it.Device.Root}' '{root}' && [ ! -e '{root}/etc/fw_env.config' ] || sed -i 's,{it.Device.Root},{root},' '{root}/etc/fw_env.config'");
        return root;
    }
}
