using ContentTree.Tests.Deploy;
using ContentTree.Tests.Deploy.Loaders;

namespace ContentTree.Tests.Crash;

/// <summary>The life of a device that brings a kernel with each tree: three of them, on a boot partition of FAT with systemd-boot.</summary>
internal static class LoaderLife
{
    private const string Ctree = "ctree --root /mnt ", Boot = "ctree-select --root /mnt --print";

    public static IReadOnlyList<CutStep> Steps { get; } =
    [
        new("true"),
        new(Ctree + "update"), new(Boot), new(Ctree + "confirm"),
        new(Ctree + "switch other"), new(Ctree + "update"), new(Boot), new(Ctree + "confirm"),
        new(Ctree + "gc"), new(Ctree + "rollback"), new(Boot), new(Ctree + "gc"),
    ];

    /// <summary>Sets a device up and publishes what it will take.</summary>
    public static async Task<string> PrepareAsync(TestServer server, string directory)
    {
        server.Publish(Tree("a"));
        using var device = new TestDevice(Path.Combine(directory, "device"));
        device.Configure("connections = 1\nstall-timeout = 30s\n[store]\nmin-free = 0\nkeep = 1\n[boot]\nloader = systemd-boot\noptions = root=UUID=1234 quiet panic=10\n");
        var set = await device.RunAsync("init", "--server", server.Link.Url, "--branch", "main", "--token", server.Token());
        set.Code.Should().Be(0, set.Error);
        // A partition of its own, as in the machine: what a loader sees begins at its top.
        using (new TestMount("-t tmpfs none", device.Layout.Boot))
        {
            device.Boot.Create();
            KernelDevice.InstallLoader("systemd-boot", device.Layout.Boot);
            await device.TakeAsync();
            Support.Shell.Run($"cp -a . '{directory}/boot'", device.Layout.Boot);
        }
        Support.Shell.Run($"cp -a '{directory}/boot/.' .", device.Layout.Boot);
        server.Publish(Tree("b"));
        server.Publish(Tree("c"), "other");
        device.Configure($"[server]\nurl = {server.Link.Url.Replace("127.0.0.1", "10.0.2.2", StringComparison.Ordinal)}\nallow-http = true\n");
        return device.Root;
    }

    /// <summary>States of the boot partition: what is in question between two flushes, or torn, is on it; as many as there is room for.</summary>
    public static IReadOnlyList<CutState> Choose(CutRecording recording, int room)
    {
        var all = CutState.All(recording.Writes).Where(state => IsAbout(recording.Writes, state)).ToArray();
        var simple = all.Where(state => state.Kind != CutState.Cut).ToArray();
        var torn = all.Where(state => state.Kind == CutState.Cut).ToArray();
        return [.. CutState.Spread(simple, room).Concat(CutState.Spread(torn, room - simple.Length)).OrderBy(state => state.Start)];
    }

    public static bool IsOnFat(BlockWrite write) => !write.IsFlush && write.Offset is >= CutDisk.FatStart and < CutDisk.RootStart;

    // The write that makes the difference, or, of a lost one, that is missing.
    private static bool IsAbout(IReadOnlyList<BlockWrite> writes, CutState state) => state.Kind == CutState.Lost
        ? Enumerable.Range(state.Start, state.End - state.Start).Except(state.Kept).Any(lost => IsOnFat(writes[lost]))
        : IsOnFat(writes[state.Kept[^1]]) || (state.Kind == CutState.Prefix && state.End < writes.Count && writes[state.End].IsFlush && state.Kept.Any(kept => IsOnFat(writes[kept])));

    private static string Tree(string name) =>
        $"{DeviceStates.Common}; echo {name} > usr/version; mkdir -p usr/bin usr/lib/modules/6.1-{name}; head -c 100000 /dev/urandom > usr/lib/modules/6.1-{name}/vmlinuz; head -c 30000 /dev/urandom > usr/lib/modules/6.1-{name}/initramfs.img";
}
