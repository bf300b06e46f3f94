using ContentTree.Server.Deltas;
using ContentTree.Store.Deltas.Generation;
using ContentTree.Store.Objects;
using ContentTree.Tests.Deploy;
using ContentTree.Tests.EndToEnd;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Crash;

/// <summary>A step of a device's life, done by the programs as they are shipped.</summary>
/// <param name="Command">What the guest runs; it ends with 0.</param>
/// <param name="Damages">Not the device's work: what comes before the repair need not be whole.</param>
internal sealed record CutStep(string Command, bool Damages = false);

/// <summary>Everything that was written to a device's disk while it lived through the steps, in order.</summary>
internal sealed class CutRecording(IReadOnlyList<CutStep> steps, byte[] disk, IReadOnlyList<BlockWrite> writes)
{
    private const string Ctree = "ctree --root /mnt ", Boot = "ctree-select --root /mnt --print";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private static readonly CutStep[] Life =
    [
        new("true"),
        new(Ctree + "update"), new(Boot), new(Ctree + "confirm"),
        new(Ctree + "switch other"), new(Ctree + "update"), new(Boot), new(Ctree + "confirm"),
        new(Ctree + "rollback"), new(Boot), new(Ctree + "gc"),
        new("for f in /mnt/ctree/deploy/*/usr/version; do printf damaged > $f; rm ${f%version}one; done; true", Damages: true),
        new(Ctree + "repair"),
    ];

    /// <summary>What the device lived through.</summary>
    public IReadOnlyList<CutStep> Steps { get; } = steps;

    /// <summary>The disk before the first write.</summary>
    public byte[] Disk { get; } = disk;

    /// <summary>Writes and flushes up to the last acknowledgement.</summary>
    public IReadOnlyList<BlockWrite> Writes { get; } = writes;

    /// <summary>For each step where in <see cref="Writes"/> its acknowledgement is.</summary>
    public IReadOnlyList<int> Acknowledged { get; } =
        [.. Enumerable.Range(0, steps.Count).Select(step => Enumerable.Range(0, writes.Count).First(index => MarkOf(writes[index]) == step))];

    /// <summary>Sets a device up and publishes what it will take.</summary>
    public static async Task<string> PrepareAsync(TestServer server, string directory)
    {
        server.Publish($"{DeviceStates.Common}; echo 1 > usr/version; seq 1 3000 > usr/lib/changing; echo 1 > usr/lib/deep/leaf");
        using var device = new TestDevice(Path.Combine(directory, "device"));
        device.Configure("connections = 1\nstall-timeout = 30s\n[store]\nmin-free = 0\n");
        var set = await device.RunAsync("init", "--server", server.Link.Url, "--branch", "main", "--token", server.Token());
        set.Code.Should().Be(0, set.Error);
        await device.TakeAsync();
        var second = server.Publish($"{DeviceStates.Common}; echo 2 > usr/version; seq 2 3001 > usr/lib/changing; mkdir etc/new; echo n > etc/new/file; head -c 60000 /dev/urandom > usr/random");
        var third = server.Publish($"{DeviceStates.Common}; echo 3 > usr/version; seq 5 3005 > usr/lib/changing; head -c 50000 /dev/urandom > usr/random", "other");
        using (var deltas = new DeltaStore(server.Data))
            deltas.Make(second, third, new DeltaOptions { PartBytes = 20_000 }, null, CancellationToken.None);
        // From inside the machine, the host's loopback has this address.
        device.Configure($"[server]\nurl = {server.Link.Url.Replace("127.0.0.1", "10.0.2.2", StringComparison.Ordinal)}\nallow-http = true\n");
        return device.Root;
    }

    /// <summary>Lets a machine live through the steps on a disk of its own.</summary>
    public static CutRecording Make(string root, string directory, CutRoot kind, IReadOnlyList<CutStep>? steps = null)
    {
        steps ??= Life;
        Directory.CreateDirectory(directory);
        var (disk, log, initramfs) = (Path.Combine(directory, "disk"), Path.Combine(directory, "log"), Path.Combine(directory, "initramfs"));
        Shell.Run($"cp -a '{root}' '{directory}/root'");
        CutDisk.Make(disk, Path.Combine(directory, "root"), kind);
        var before = File.ReadAllBytes(disk);
        File.WriteAllBytes(log, []);
        var kernel = kind == CutRoot.F2fs ? TestKernel.FetchGeneric() : TestKernel.Fetch();
        CutGuest.Make(initramfs, kernel, Script(steps), kind, kind == CutRoot.F2fs ? Archive(directory) : null);
        var options = new VirtualMachineOptions { Kernel = kernel.Image, Initramfs = initramfs, Disk = disk, WriteLog = log, Network = true, MemoryMegabytes = 512 };
        var said = VirtualMachine.RunUntilPowerOff(options, Patience);
        said.Should().Contain($"step {steps.Count - 1} done", "the guest lives through every step");
        var writes = BlockLog.Read(log).ToList();
        var first = kind == CutRoot.F2fs ? writes.FindIndex(write => MarkOf(write) == 0) : 0;
        foreach (var filling in writes.Take(first))
            CutContent.Put(before, filling, 0);
        return new CutRecording(steps, before, writes[first..(1 + writes.FindLastIndex(write => MarkOf(write) == steps.Count - 1))]);
    }

    // This machine's kernel may not know f2fs: the other one fills it.
    private static byte[] Archive(string directory)
    {
        Shell.Run($"tar --numeric-owner -C '{directory}/root' -cf '{directory}/root.tar' .");
        return File.ReadAllBytes(Path.Combine(directory, "root.tar"));
    }

    private static string Script(IReadOnlyList<CutStep> all)
    {
        var steps = all.Select((step, number) => $"{step.Command} > /tmp/said 2>&1 || failed {number}; acknowledge {number}");
        return $$"""
            failed() { echo "step $1 ended with $?"; cat /tmp/said; poweroff -f; sleep 60; }
            acknowledge() { printf 'step %s\n' $1 | dd of=/dev/vda bs=512 seek={{CutDisk.MarkSector}} conv=notrunc,fsync,sync 2>/dev/null; echo "step $1 done"; }
            {{string.Join('\n', steps)}}
            """;
    }

    private static int MarkOf(BlockWrite write)
    {
        var at = CutDisk.MarkSector * BlockLog.Sector - write.Offset;
        if (at < 0 || at >= write.Data.Length)
            return -1;
        var text = System.Text.Encoding.ASCII.GetString(write.Data, (int)at, 16).Split('\n')[0];
        return text.StartsWith("step ", StringComparison.Ordinal) ? int.Parse(text[5..], System.Globalization.CultureInfo.InvariantCulture) : -1;
    }
}
