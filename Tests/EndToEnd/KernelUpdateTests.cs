using System.Text.RegularExpressions;
using ContentTree.BootFile;
using ContentTree.Store.Objects;
using ContentTree.Tests.Boot;
using ContentTree.Tests.Deploy;
using ContentTree.Tests.Support;
using Xunit.Abstractions;
using TemporaryDirectory = ContentTree.Tests.Boot.TemporaryDirectory;

namespace ContentTree.Tests.EndToEnd;

/// <summary>
/// Two real Debian kernels, started by a real GRUB with our grub.cfg: kernel and tree change together, and come back together. The device's
/// disk is mounted here between boots, and the agent's commands run on it.
/// </summary>
[Trait("Category", "Qemu")]
[Collection("Qemu")]
public sealed partial class KernelUpdateTests : IAsyncLifetime, IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    private readonly TestKernel _old = TestKernel.FetchOther();
    private readonly TestKernel _new = TestKernel.Fetch();
    private readonly TemporaryDirectory _directory = new();
    private readonly ITestOutputHelper _output;
    private TestServer _server = null!;
    private string _grub = "";

    public KernelUpdateTests(ITestOutputHelper output) => _output = output;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _grub = GrubDisk.Make(_directory);
        Directory.CreateDirectory(_directory["root"]);
        Shell.Run($"truncate -s 300M '{_directory["disk"]}'; mkfs.ext4 -q -F -L ctree-root '{_directory["disk"]}'");
        foreach (var kernel in new[] { _old, _new })
            SelectorInitramfs.Make(_directory[kernel.Version], kernel);
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose() => _directory.Dispose();

    [GrubFact]
    public async Task Kernel_and_tree_change_together_and_come_back_together()
    {
        var first = Publish(_old, "true");
        await OnDevice(async device =>
        {
            (await device.RunAsync("init", "--server", _server.Link.Url, "--branch", "main", "--token", _server.Token(), "--unprivileged")).Code.Should().Be(0);
            device.Configure($"[boot]\nloader = grub\noptions = {VirtualMachine.KernelWords} panic=1 ctree.root=LABEL=ctree-root\n[store]\nkeep = 4\n");
            Directory.CreateDirectory(Path.Combine(device.Layout.Boot, "grub"));
            File.Copy(Path.Combine(BootSamples.Repository, "packaging/grub/grub.cfg"), Path.Combine(device.Layout.Boot, "grub/grub.cfg"));
            await device.UpdateAsync();
        });
        Runs(Boot(), _old, first, "wanted");
        await Confirm();

        var second = Publish(_new, "true");
        await OnDevice(device => device.UpdateAsync());
        Runs(Boot(), _new, second, "wanted");
        await Confirm();

        // As after a power cut between the loader and the boot file: the loader starts the old kernel, the boot file wants the new tree.
        await OnDevice(device =>
        {
            var assets = DeploymentSet.Scan(device.Layout).Single(d => d.Marker.Commit == first.ToString()).Marker.Assets;
            LoaderPointer.Read(Path.Combine(device.Layout.LoaderPointers, assets))!.Write(device.Layout.Boot);
            return Task.CompletedTask;
        });
        var log = Boot();
        log.Should().Contain("the loader now points at it, rebooting");
        Runs(log, _new, second, "wanted");

        // The old kernel with a tree that cannot run: GRUB and the selector count, and the new kernel is back with its tree.
        var third = Publish(_old, "exit 1");
        await OnDevice(device => device.UpdateAsync());
        log = Boot();
        Count(log, "Attempted to kill init").Should().Be(3);
        Runs(log, _new, second, "previous");
        await Settled(third);

        // A kernel that comes up without its initramfs: the selector never ran, so only GRUB could count.
        var fourth = Publish(_old, "true", initramfs: "/bin/true");
        await OnDevice(device => device.UpdateAsync());
        log = Boot();
        Count(log, "Unable to mount root fs").Should().Be(3);
        log.Should().Contain("passed over");
        Runs(log, _new, second, "previous");
        await Settled(fourth);
    }

    private ObjectId Publish(TestKernel kernel, string init, string? initramfs = null) => _server.Publish($$"""
        mkdir -p bin sbin etc usr/bin usr/lib/modules/{{kernel.Version}}
        cp /bin/busybox bin/busybox; ln -s busybox bin/sh
        cp '{{kernel.Image}}' usr/lib/modules/{{kernel.Version}}/vmlinuz
        cp '{{initramfs ?? _directory[kernel.Version]}}' usr/lib/modules/{{kernel.Version}}/initramfs.img
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

    private string Boot()
    {
        var log = VirtualMachine.RunUntilPowerOff(new VirtualMachineOptions { Disk = _grub, SecondDisk = _directory["disk"] }, Patience);
        _output.WriteLine(log);
        return log;
    }

    /// <summary>The last boot's kernel is that of its modules, and both belong to the tree.</summary>
    private static void Runs(string log, TestKernel kernel, ObjectId commit, string reason)
    {
        var up = Up().Match(log);
        up.Success.Should().BeTrue("the device came up once; its console says:\n{0}", log);
        up.Groups["kernel"].Value.Should().Be(kernel.Version);
        up.Groups["modules"].Value.Should().Be(kernel.Version);
        up.Value.Should().Contain($"commit={commit} ").And.Contain($"reason={reason} ");
    }

    private Task Confirm() => OnDevice(async device =>
    {
        var result = await device.RunAsync("confirm");
        result.Code.Should().Be(0, result.Error);
    });

    private Task Settled(ObjectId failed) => OnDevice(async device =>
    {
        (await device.RunAsync("update")).Code.Should().Be(16, "what failed is not taken again");
        device.Boot.Read()!.State.Should().Be(BootState.Good);
        File.ReadAllText(device.Layout.Denied).Should().Contain(failed.ToString());
    });

    /// <summary>Works on the device's disk while it is off. What the selector told the tree is told to the agent.</summary>
    private async Task OnDevice(Func<TestDevice, Task> work)
    {
        var root = _directory["root"];
        Shell.Run($"mount -o loop '{_directory["disk"]}' '{root}'");
        try
        {
            if (File.Exists($"{root}/ctree/data/var/booted"))
                File.Copy($"{root}/ctree/data/var/booted", $"{root}/ctree/state/booted", overwrite: true);
            using var device = new TestDevice(root);
            await work(device);
        }
        finally
        {
            Shell.Run($"umount '{root}'");
        }
    }

    private static int Count(string text, string part) => text.Split(part).Length - 1;

    [GeneratedRegex(@"UP kernel=(?<kernel>\S+) modules=(?<modules>\S+) .*")]
    private static partial Regex Up();
}
