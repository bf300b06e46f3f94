using System.Text.RegularExpressions;
using ContentTree.Store.Objects;
using ContentTree.Tests.Boot;
using ContentTree.Tests.Deploy;
using ContentTree.Tests.Support;
using TemporaryDirectory = ContentTree.Tests.Boot.TemporaryDirectory;

namespace ContentTree.Tests.EndToEnd;

/// <summary>
/// A device's disk and its server, for trees that differ in their kernels. The disk is booted by a real boot loader; between boots
/// it is mounted here, and the agent's commands run on it.
/// </summary>
internal sealed partial class KernelDisk : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    private const string Fat = "ctree.boot=UUID=DEAD-BEEF";
    private static readonly string[] FatModules = ["fat.ko", "vfat.ko", "nls_cp437.ko", "nls_ascii.ko"];

    private readonly TestServer _server;
    private readonly bool _isUefi;

    private KernelDisk(TestServer server, bool isUefi) => (_server, _isUefi) = (server, isUefi);

    /// <summary>Files beside the disk.</summary>
    public TemporaryDirectory Directory { get; } = new();

    /// <summary>The disk's image: ext4 with the label ctree-root.</summary>
    public string Image => Directory["disk"];

    /// <param name="options">Of mkfs.ext4, for loaders that know only older ones.</param>
    /// <param name="isUefi">The firmware is UEFI, and the boot partition a FAT disk of its own.</param>
    public static async Task<KernelDisk> MakeAsync(string options, bool isUefi, params TestKernel[] kernels)
    {
        var disk = new KernelDisk(await TestServer.StartAsync(), isUefi);
        System.IO.Directory.CreateDirectory(disk.Directory["root"]);
        Shell.Run($"truncate -s 300M '{disk.Image}'; mkfs.ext4 -q -F {options} -L ctree-root '{disk.Image}'");
        foreach (var kernel in kernels)
            SelectorInitramfs.Make(disk.Directory[kernel.Version], kernel, isUefi ? FatModules : []);
        return disk;
    }

    /// <summary>Sets the device up with what is published, and with a boot loader of that name.</summary>
    /// <param name="install">Puts the loader's own files into the boot directory.</param>
    public Task InstallAsync(string loader, Action<string> install) => OnDeviceAsync(async device =>
    {
        var result = await device.RunAsync("init", "--server", _server.Link.Url, "--branch", "main", "--token", _server.Token(), "--unprivileged");
        result.Code.Should().Be(0, result.Error);
        device.Configure($"[boot]\nloader = {loader}\noptions = {VirtualMachine.KernelWords} panic=1 ctree.root=LABEL=ctree-root {(_isUefi ? Fat : "")}\n[store]\nkeep = 4\n");
        install(device.Layout.Boot);
        await device.UpdateAsync();
    });

    /// <summary>Publishes a tree with that kernel and its modules' directory, whose init runs the given command before it tells and powers off.</summary>
    public ObjectId Publish(TestKernel kernel, string init, string? initramfs = null) => _server.Publish($$"""
        mkdir -p bin sbin etc usr/bin usr/lib/modules/{{kernel.Version}}
        cp /bin/busybox bin/busybox; ln -s busybox bin/sh
        cp '{{kernel.Image}}' usr/lib/modules/{{kernel.Version}}/vmlinuz
        cp '{{initramfs ?? Directory[kernel.Version]}}' usr/lib/modules/{{kernel.Version}}/initramfs.img
        cat >sbin/init <<'END'
        #!/bin/sh
        PATH=/bin
        {{init}}
        echo "UP kernel=$(busybox uname -r) modules=$(busybox ls /usr/lib/modules) $(busybox tr '\n' ' ' </run/ctree/booted)"
        busybox cp /run/ctree/booted /var/booted
        busybox sync
        busybox poweroff -f
        END
        chmod 755 sbin/init
        date +%s%N >etc/now
        """);

    public Task UpdateAsync() => OnDeviceAsync(device => device.UpdateAsync());

    public Task ConfirmAsync() => OnDeviceAsync(async device =>
    {
        var result = await device.RunAsync("confirm");
        result.Code.Should().Be(0, result.Error);
    });

    /// <summary>After a fallback: what failed is denied, and what runs is good.</summary>
    public Task SettledAsync(ObjectId failed) => OnDeviceAsync(async device =>
    {
        (await device.RunAsync("update")).Code.Should().Be(16, "what failed is not taken again");
        device.Boot.Read()!.State.Should().Be(BootFile.BootState.Good);
        File.ReadAllText(device.Layout.Denied).Should().Contain(failed.ToString());
    });

    /// <summary>Works on the device's disk while it is off. What the selector told the tree is told to the agent.</summary>
    public async Task OnDeviceAsync(Func<TestDevice, Task> work)
    {
        var root = Directory["root"];
        Shell.Run($"mount -o loop '{Image}' '{root}'");
        try
        {
            if (File.Exists($"{root}/ctree/data/var/booted"))
                File.Copy($"{root}/ctree/data/var/booted", $"{root}/ctree/state/booted", overwrite: true);
            using var partition = _isUefi ? OpenFat(Path.Combine(root, "ctree/boot")) : null;
            using var device = new TestDevice(root);
            await work(device);
            if (_isUefi)
                WriteFat(Path.Combine(root, "ctree/boot"));
        }
        finally
        {
            Shell.Run($"umount '{root}'");
        }
    }

    /// <summary>Starts the machine from its first disk, or from one with the loader, and returns its console once the tree has powered it off.</summary>
    public string Boot(string? loaderDisk = null)
    {
        var first = _isUefi ? Directory["fat"] : loaderDisk;
        return VirtualMachine.RunUntilPowerOff(
            new VirtualMachineOptions { Disk = first ?? Image, SecondDisk = first is null ? null : Image, IsUefi = _isUefi }, Patience);
    }

    /// <summary>The tree came up with its own kernel: the one that runs is the one its modules are for.</summary>
    public static void Runs(string log, TestKernel kernel, ObjectId commit, string reason)
    {
        var up = Up().Match(log);
        up.Success.Should().BeTrue("a tree came up; the console says:\n{0}", log);
        up.Groups["kernel"].Value.Should().Be(kernel.Version);
        up.Groups["modules"].Value.Should().Be(kernel.Version);
        up.Value.Should().Contain($"commit={commit} ").And.Contain($"reason={reason} ");
    }

    public static int Count(string text, string part) => text.Split(part).Length - 1;

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Dispose();
    }

    // The kernel here may know no FAT: its files are copied out and in.
    private TestMount OpenFat(string path)
    {
        System.IO.Directory.CreateDirectory(path);
        var mount = new TestMount("-t tmpfs none", path);
        if (File.Exists(Directory["fat"]))
            Shell.Run($"mcopy -s -n -i '{Directory["fat"]}' '::*' .", path);
        return mount;
    }

    private void WriteFat(string path) => Shell.Run(
        $"rm -f '{Directory["fat"]}'; mkfs.vfat -F 32 -C -i DEADBEEF '{Directory["fat"]}' 98304 >&2; mcopy -s -i '{Directory["fat"]}' * '::'", path);

    [GeneratedRegex(@"UP kernel=(?<kernel>\S+) modules=(?<modules>\S+) .*")]
    private static partial Regex Up();
}
