using ContentTree.Tests.Boot;
using ContentTree.Tests.Deploy;
using ContentTree.Tests.Support;
using static ContentTree.Tests.EndToEnd.KernelDisk;

namespace ContentTree.Tests.EndToEnd;

/// <summary>Two real Debian kernels, started by real boot loaders: kernel and tree change together, and come back together.</summary>
[Trait("Category", "Qemu")]
[Collection("Qemu 2")]
public sealed class KernelUpdateTests
{
    // Neither a compressed archive nor a program: this kernel panics before the selector can count.
    private const string NoInitramfs = "/bin/true";

    private readonly TestKernel _old = TestKernel.FetchOther();
    private readonly TestKernel _new = TestKernel.Fetch();

    [LoaderBootFact("grub-common, grub-pc-bin", "grub-mkimage")]
    public async Task GRUB_and_the_selector_bring_kernel_and_tree_back_together()
    {
        await using var disk = await MakeAsync("", isUefi: false, _old, _new);
        var grub = GrubDisk.Make(disk.Directory);
        var first = disk.Publish(_old, "true");
        await disk.InstallAsync("grub", boot =>
        {
            Directory.CreateDirectory(Path.Combine(boot, "grub"));
            File.Copy(Path.Combine(BootSamples.Repository, "packaging/grub/grub.cfg"), Path.Combine(boot, "grub/grub.cfg"));
            Shell.Run("grub-editenv grub/grubenv create", boot);
        });
        Runs(disk.Boot(grub), _old, first, "wanted");
        await disk.ConfirmAsync();

        var second = disk.Publish(_new, "true");
        await disk.OnDeviceAsync(UpdateButForTheBootFile);
        var log = disk.Boot(grub);
        log.Should().Contain("the loader now points at it, rebooting");
        Runs(log, _old, first, "wanted");

        await disk.UpdateAsync();
        Runs(disk.Boot(grub), _new, second, "wanted");
        await disk.ConfirmAsync();

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
        await using var disk = await MakeAsync("-O ^64bit,^metadata_csum", isUefi: false, _old, _new);
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

    [LoaderBootFact("systemd-boot-efi, ovmf, dosfstools, mtools", "mkfs.vfat", "mcopy")]
    public async Task Systemd_boot_counts_a_new_kernel_in_the_name_of_its_entry()
    {
        await using var disk = await MakeAsync("", isUefi: true, _old, _new);
        var first = disk.Publish(_old, "true");
        await disk.InstallAsync("systemd-boot", boot =>
        {
            Directory.CreateDirectory(Path.Combine(boot, "EFI/BOOT"));
            File.Copy("/usr/lib/systemd/boot/efi/systemd-bootx64.efi", Path.Combine(boot, "EFI/BOOT/BOOTX64.EFI"));
        });
        Runs(disk.Boot(), _old, first, "wanted");
        await disk.ConfirmAsync();

        var second = disk.Publish(_new, "true");
        await disk.UpdateAsync();
        Runs(disk.Boot(), _new, second, "wanted");
        (await EntriesAsync(disk)).Should().ContainSingle(name => name.EndsWith("+2-1.conf", StringComparison.Ordinal));
        await disk.ConfirmAsync();
        (await EntriesAsync(disk)).Should().HaveCount(2).And.NotContain(name => name.Contains('+'));

        var third = disk.Publish(_old, "true", NoInitramfs);
        await disk.UpdateAsync();
        var log = disk.Boot();
        Count(log, "Unable to mount root fs").Should().Be(3, "systemd-boot counts");
        log.Should().Contain("passed over");
        Runs(log, _new, second, "previous");
        await disk.SettledAsync(third);
    }

    /// <summary>As a power cut leaves it after the loader and before the boot file.</summary>
    private static async Task UpdateButForTheBootFile(TestDevice device)
    {
        var slots = new[] { device.Boot.PathA, device.Boot.PathB }.ToDictionary(path => path, File.ReadAllBytes);
        await device.UpdateAsync();
        foreach (var (path, bytes) in slots)
            File.WriteAllBytes(path, bytes);
    }

    private static async Task<string[]> EntriesAsync(KernelDisk disk)
    {
        string[] names = [];
        await disk.OnDeviceAsync(device =>
        {
            names = [.. Directory.GetFiles(Path.Combine(device.Layout.Boot, "loader/entries")).Select(path => Path.GetFileName(path)!)];
            return Task.CompletedTask;
        });
        return names;
    }
}
