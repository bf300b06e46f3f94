using ContentTree.Store.Objects;
using ContentTree.Tests.Crash;
using ContentTree.Tests.Deploy;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.EndToEnd;

/// <summary>A store on an ext4 that has fs-verity, under a kernel that has it too: what was changed below the filesystem is not read, and is mended.</summary>
[Trait("Category", "Qemu")]
[Collection("Qemu 2")]
public sealed class SealedStoreTests
{
    private const string Ctree = "ctree --root /mnt ";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    [QemuFact]
    public async Task A_sealed_file_that_has_changed_is_refused_by_the_kernel_and_mended_and_others_can_still_be_linked()
    {
        using var directory = new TemporaryDirectory();
        await using var server = await TestServer.StartAsync();
        var old = server.Publish("head -c 60000 /dev/urandom > old");
        var root = await PrepareAsync(server, directory);
        var commit = server.Publish("head -c 60000 /dev/urandom > new; echo 1 > small");
        var disk = directory["disk"];
        CutDisk.Make(disk, root, CutRoot.Ext4);
        OnRoot(disk, image => Shell.Run($"tune2fs -O verity '{image}' >/dev/null"));

        // This machine's kernel seals nothing, so what was deployed here is the one that shows what sealing changes.
        var (before, after) = ($"/ctree/deploy/1-{old.ToString()[..8]}/old", $"/ctree/deploy/2-{commit.ToString()[..8]}/new");
        var first = Run(directory, disk, $"""
            {Ctree}update; echo "update $?"; {Ctree}status
            (echo more >>/mnt{after}) 2>&1
            ln /mnt{after} /mnt/linked && echo "linked $(stat -c %h /mnt/linked)"
            sync
            """);
        first.Should().Contain("update 0").And.Contain("Operation not permitted").And.Contain("linked 3").And.Contain("looked at are sealed");

        OnRoot(disk, image => { Damage(image, before); Damage(image, after); });
        var second = Run(directory, disk, $"""
            cat /mnt{before} >/dev/null && echo "read the old one"
            cat /mnt{after} 2>&1 >/dev/null || echo "did not read the new one"
            {Ctree}verify --full; echo "verify $?"
            {Ctree}repair; echo "repair $?"
            cat /mnt{after} >/dev/null && echo "read the new one"
            {Ctree}verify --full; echo "verify again $?"
            (echo more >>/mnt{after}) 2>&1
            """);
        second.Should().Contain("read the old one", "nobody sees that it has changed").And.Contain("did not read the new one");
        second.Should().Contain("Input/output error").And.Contain("verify 14").And.Contain("repair 0").And.Contain("\nread the new one").And.Contain("verify again 0");
        second[second.IndexOf("verify again", StringComparison.Ordinal)..].Should().Contain("Operation not permitted", "what came in its place is sealed too");
    }

    private static async Task<string> PrepareAsync(TestServer server, TemporaryDirectory directory)
    {
        using var device = new TestDevice(directory["device"]);
        device.Configure("connections = 1\nstall-timeout = 30s\n[store]\nmin-free = 0\n");
        var set = await device.RunAsync("init", "--server", server.Link.Url, "--branch", "main", "--token", server.Token());
        set.Code.Should().Be(0, set.Error);
        await device.TakeAsync();
        // From inside the machine, the host's loopback has this address.
        device.Configure($"[server]\nurl = {server.Link.Url.Replace("127.0.0.1", "10.0.2.2", StringComparison.Ordinal)}\nallow-http = true\n");
        return device.Root;
    }

    private static string Run(TemporaryDirectory directory, string disk, string script)
    {
        var (initramfs, kernel) = (directory["initramfs"], TestKernel.Fetch());
        CutGuest.Make(initramfs, kernel, script);
        return VirtualMachine.RunUntilPowerOff(
            new VirtualMachineOptions { Kernel = kernel.Image, Initramfs = initramfs, Disk = disk, Network = true, MemoryMegabytes = 512 }, Patience);
    }

    private static void OnRoot(string disk, Action<string> work)
    {
        var image = disk + ".root";
        Shell.Run($"dd if='{disk}' of='{image}' bs=1M skip={CutDisk.RootStart >> 20} status=none");
        work(image);
        Shell.Run($"dd if='{image}' of='{disk}' bs=1M seek={CutDisk.RootStart >> 20} conv=notrunc status=none; rm '{image}'");
    }

    private static void Damage(string image, string path)
    {
        var block = long.Parse(Shell.Run($"debugfs -R 'bmap {path} 3' '{image}' 2>/dev/null").Trim(), System.Globalization.CultureInfo.InvariantCulture);
        using var file = File.OpenWrite(image);
        file.Position = block * CutDisk.BlockSize + 100;
        file.Write("changed below the filesystem"u8);
    }
}
