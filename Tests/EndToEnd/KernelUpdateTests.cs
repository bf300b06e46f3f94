using ContentTree.BootFile;
using ContentTree.Tests.Boot;
using ContentTree.Tests.Support;
using static ContentTree.Tests.EndToEnd.KernelDisk;

namespace ContentTree.Tests.EndToEnd;

/// <summary>Two real Debian kernels, started by real boot loaders: kernel and tree change together, and come back together.</summary>
[Trait("Category", "Qemu")]
[Collection("Qemu")]
public sealed class KernelUpdateTests
{
    // Neither a compressed archive nor a program: this kernel panics before the selector can count.
    private const string NoInitramfs = "/bin/true";

    private readonly TestKernel _old = TestKernel.FetchOther();
    private readonly TestKernel _new = TestKernel.Fetch();

    [LoaderBootFact("grub-common, grub-pc-bin", "grub-mkimage")]
    public async Task GRUB_and_the_selector_bring_kernel_and_tree_back_together()
    {
        await using var disk = await MakeAsync("", _old, _new);
        var grub = GrubDisk.Make(disk.Directory);
        var first = disk.Publish(_old, "true");
        await disk.InstallAsync("grub", boot =>
        {
            Directory.CreateDirectory(Path.Combine(boot, "grub"));
            File.Copy(Path.Combine(BootSamples.Repository, "packaging/grub/grub.cfg"), Path.Combine(boot, "grub/grub.cfg"));
        });
        Runs(disk.Boot(grub), _old, first, "wanted");
        await disk.ConfirmAsync();

        var second = disk.Publish(_new, "true");
        await disk.UpdateAsync();
        Runs(disk.Boot(grub), _new, second, "wanted");
        await disk.ConfirmAsync();

        // As after a power cut between the loader and the boot file: the loader starts the old kernel, the boot file wants the new tree.
        await disk.OnDeviceAsync(device =>
        {
            var assets = DeploymentSet.Scan(device.Layout).Single(d => d.Marker.Commit == first.ToString()).Marker.Assets;
            LoaderPointer.Read(Path.Combine(device.Layout.LoaderPointers, assets))!.Write(device.Layout.Boot);
            return Task.CompletedTask;
        });
        var log = disk.Boot(grub);
        log.Should().Contain("the loader now points at it, rebooting");
        Runs(log, _new, second, "wanted");

        var third = disk.Publish(_old, "exit 1");
        await disk.UpdateAsync();
        log = disk.Boot(grub);
        Count(log, "Attempted to kill init").Should().Be(3, "GRUB and the selector both count");
        Runs(log, _new, second, "previous");
        await disk.SettledAsync(third);

        var fourth = disk.Publish(_old, "true", NoInitramfs);
        await disk.UpdateAsync();
        log = disk.Boot(grub);
        Count(log, "Unable to mount root fs").Should().Be(3, "only GRUB counts");
        log.Should().Contain("passed over");
        Runs(log, _new, second, "previous");
        await disk.SettledAsync(fourth);
    }

    [LoaderBootFact("extlinux", "extlinux")]
    public async Task Extlinux_starts_a_new_kernel_once_and_the_old_one_from_then_on_unless_it_was_confirmed()
    {
        // It knows ext4 as it was in its days.
        await using var disk = await MakeAsync("-O ^64bit,^metadata_csum", _old, _new);
        var first = disk.Publish(_old, "true");
        await disk.InstallAsync("extlinux", boot =>
        {
            Directory.CreateDirectory(Path.Combine(boot, "extlinux"));
            Shell.Run("extlinux --install extlinux 2>&1", boot);
        });
        Runs(disk.Boot(), _old, first, "wanted");
        await disk.ConfirmAsync();

        var second = disk.Publish(_new, "true");
        await disk.UpdateAsync();
        Runs(disk.Boot(), _new, second, "wanted");
        await disk.ConfirmAsync();
        Runs(disk.Boot(), _new, second, "wanted");

        var third = disk.Publish(_old, "true", NoInitramfs);
        await disk.UpdateAsync();
        var log = disk.Boot();
        Count(log, "Unable to mount root fs").Should().Be(1, "extlinux starts it once");
        log.Should().Contain("passed over");
        Runs(log, _new, second, "previous");
        await disk.SettledAsync(third);
    }
}
