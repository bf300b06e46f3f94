using ContentTree.BootFile;
using ContentTree.BootSelector;
using ContentTree.Deploy.Deployments;
using ContentTree.Tests.Boot;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deploy;

/// <summary>Disks as small and as full as devices have them: real file systems without a free block, or without a free inode.</summary>
[Trait("Category", "Slow")]
public sealed class FullDiskTests : IAsyncLifetime, IDisposable
{
    private const string Filling = "cat /dev/zero > filler; for i in $(seq 99); do dd if=/dev/zero of=filler$i bs=1k count=1; done";

    private readonly Support.TemporaryDirectory _directory = new();
    private TestServer _server = null!;

    public async Task InitializeAsync() => _server = await TestServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose() => _directory.Dispose();

    [MountTheory]
    [InlineData(8)]
    [InlineData(16)]
    [InlineData(32)]
    public async Task Without_a_free_block_boots_are_counted_and_confirmed_and_an_update_says_so(int megabytes) =>
        await TryAsync($"truncate -s {megabytes}M '{Image}'; mkfs.ext4 -q -F '{Image}'", Filling, "%a");

    [MountTheory]
    [InlineData(16)]
    public async Task Without_a_free_inode_boots_are_counted_and_confirmed_and_an_update_says_so(int megabytes) =>
        await TryAsync($"truncate -s {megabytes}M '{Image}'; mkfs.ext4 -q -F -N 512 '{Image}'", "for i in $(seq 999); do : > filler$i || break; done", "%d");

    [MountTheory]
    [InlineData("ext4 -q -F", "%a")]
    [InlineData("ext4 -q -F -N 512", "%d")]
    public async Task Where_nothing_is_free_a_fallback_is_written_down_and_a_rollback_too(string make, string left)
    {
        Shell.Run($"truncate -s 16M '{Image}'; mkfs.{make} '{Image}'");
        using var disk = new TestMount($"-o loop '{Image}'");
        using var device = await SecondAsync(disk.Path);
        var second = FinishedDeployment.Scan(device.Layout).MaxBy(d => d.Name)!;
        // Before the disk is full: this device has no /run, and its record of what was booted is beside its state.
        while (device.BootNow() == second.Name.ToString())
            device.Boot.Read()!.State.Should().Be(BootState.Trial);
        Fill(disk.Path, left);
        (await device.RunAsync("update")).Error.Should().NotContain("no space");
        File.ReadAllText(device.Layout.Denied).Should().StartWith($"{second.Commit} ");
        device.Boot.Read()!.State.Should().Be(BootState.Good);

        Shell.Run($"cd '{disk.Path}'; rm filler*");
        _server.Publish("mkdir -p usr etc; echo 3 > usr/file");
        await device.TakeAsync();
        var third = device.Boot.Read()!.Wanted;
        Fill(disk.Path, left);
        var back = await device.RunAsync("rollback");
        back.Code.Should().Be(0, back.Error);
        device.Boot.Read()!.Wanted.Should().NotBe(third);
        device.NothingIsFalse();
    }

    private static void Fill(string disk, string left)
    {
        Shell.Try($"cd '{disk}'; {(left == "%d" ? "for i in $(seq 9999); do : > filler$i || break; done" : Filling)}");
        Shell.Run($"stat -f -c {left} '{disk}'").Trim().Should().Be("0", "the disk is full");
    }

    private string Image => _directory["image"];

    private async Task TryAsync(string make, string fill, string left)
    {
        Shell.Run(make);
        using var disk = new TestMount($"-o loop '{Image}'");
        using var device = await SecondAsync(disk.Path);
        // Before the disk is full: this device has no /run, and its record of what was booted is beside its state.
        var trial = device.BootNow();
        Shell.Try($"cd '{disk.Path}'; {fill}");
        Shell.Run($"stat -f -c {left} '{disk.Path}'").Trim().Should().Be("0", "the disk is full");

        var booted = new Selector(device.Layout, device.Boot, new KernelCommandLine("")).Choose();
        (booted.Record!.TriesLeft, booted.Problem).Should().Be((BootRecord.DefaultTries - 2, ""), "a count needs no new block");
        var confirmed = await device.RunAsync("confirm");
        confirmed.Code.Should().Be(0, confirmed.Error);
        device.Boot.Read()!.Should().Match<BootRecord>(record => record.State == BootState.Good && record.Wanted.ToString() == trial, "nor does the end of a trial");
        _server.Publish("mkdir -p usr etc; head -c 200000 /dev/urandom > usr/large; for i in $(seq 40); do echo $i > usr/f$i; done");
        var running = device.Boot.Read()!;
        var full = await device.RunAsync("update");
        full.Code.Should().Be(15, full.Error);
        device.Boot.Read().Should().Be(running, "nothing was switched");
        device.NothingIsFalse();
        (await device.RunAsync("status")).Code.Should().Be(0);

        Shell.Run($"cd '{disk.Path}'; rm filler*");
        (await device.RunAsync("update")).Code.Should().Be(0);
        (await device.RunAsync("verify", "--full")).Code.Should().Be(0);
    }

    // One is confirmed, two waits for its first boot.
    private async Task<TestDevice> SecondAsync(string disk)
    {
        var device = new TestDevice(Path.Combine(disk, "device"));
        device.Configure("[store]\nmin-free = 0\n");
        (await device.RunAsync("init", "--server", _server.Link.Url, "--branch", "main", "--token", _server.Token(), "--unprivileged")).Code.Should().Be(0);
        _server.Publish("mkdir -p usr etc; echo 1 > usr/file");
        await device.TakeAsync();
        _server.Publish("mkdir -p usr etc; echo 2 > usr/file");
        await device.UpdateAsync();
        return device;
    }
}
