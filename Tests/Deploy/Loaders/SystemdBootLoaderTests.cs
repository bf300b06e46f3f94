using ContentTree.Tests.Boot;

namespace ContentTree.Tests.Deploy.Loaders;

/// <summary>systemd-boot's entries: counters in their names, and bootctl's view of them.</summary>
public sealed class SystemdBootLoaderTests
{
    [MountFact("systemd-boot", "bootctl")]
    public async Task A_new_kernel_gets_a_counter_in_its_name_and_loses_it_when_it_is_confirmed()
    {
        await using var it = await KernelDevice.StartAsync("systemd-boot");
        using var partition = it.MountBoot("-t tmpfs none");
        var first = await it.TakeAsync("a");
        it.Boot("loader/entries").Should().Equal($"ctree-{first}.conf");
        Default(it).Should().Be($"default ctree-{first}*");
        var second = await it.TryAsync("b");
        it.Boot("loader/entries").Should().BeEquivalentTo($"ctree-{first}.conf", $"ctree-{second}+3.conf");
        Default(it).Should().Be("default ctree-*");
        List(it).Should().Equal([second, first], "the highest version is first");

        // As systemd-boot does it.
        it.Shell($"cd loader/entries; mv ctree-{second}+3.conf ctree-{second}+2-1.conf");
        it.Device.BootNow();
        (await it.Device.RunAsync("confirm")).Code.Should().Be(0);
        it.Boot("loader/entries").Should().BeEquivalentTo($"ctree-{first}.conf", $"ctree-{second}.conf");
        Default(it).Should().Be($"default ctree-{second}*");
    }

    [MountFact("systemd-boot", "bootctl")]
    public async Task A_kernel_without_tries_sorts_last_and_a_new_trial_of_it_puts_it_first_again()
    {
        await using var it = await KernelDevice.StartAsync("systemd-boot", "[store]\nkeep = 3");
        using var partition = it.MountBoot("-t tmpfs none");
        var first = await it.TakeAsync("a");
        var second = await it.TryAsync("b");
        it.Shell($"cd loader/entries; mv ctree-{second}+3.conf ctree-{second}+0-3.conf");
        List(it).Should().Equal(first, second);
        it.PointBack(first);
        Default(it).Should().Be($"default ctree-{first}*");
        (await it.Device.RunAsync("rollback")).Code.Should().Be(0);
        var third = await it.TakeAsync("c");
        (await it.TryAsync("b")).Should().Be(second);
        it.Boot("loader/entries").Should().Contain($"ctree-{second}+3.conf");
        List(it).Should().StartWith(second, "it is the one to try, though its kernel is older").And.Contain(third);
    }

    [Fact]
    public async Task A_partition_without_systemd_boot_is_refused_before_anything_is_written()
    {
        await using var it = await KernelDevice.StartAsync("systemd-boot");
        it.Publish("a");
        it.Shell("mv EFI/systemd/systemd-bootx64.efi EFI/systemd/grubx64.efi");
        await it.RefusedAsync("systemd-boot does not answer", "ctree.boot=");
        it.Shell("mkdir EFI/Boot; mv EFI/systemd/grubx64.efi EFI/Boot/bootx64.efi");
        await it.Device.UpdateAsync();
    }

    [Fact]
    public async Task An_entry_that_a_power_cut_damaged_is_written_anew_whatever_its_name()
    {
        await using var it = await KernelDevice.StartAsync("systemd-boot", "[store]\nkeep = 3");
        var first = await it.TakeAsync("a");
        var entry = it.Shell($"cat loader/entries/ctree-{first}.conf");
        it.Shell($": >loader/entries/ctree-{first}.conf; : >extlinux/ctree-{first}.conf; echo torn >ctree/{first}-vmlinuz");
        await it.TakeAsync("a");
        it.Shell($"cat loader/entries/ctree-{first}.conf").Should().Be(entry);
        it.Shell($"cat extlinux/ctree-{first}.conf ctree/{first}-vmlinuz").Should().StartWith("LABEL").And.EndWith("kernel a\n");
        var second = await it.TryAsync("b");
        entry = it.Shell($"cat loader/entries/ctree-{second}+3.conf");
        it.Shell($"echo torn >loader/entries/ctree-{second}+3.conf");
        await it.TryAsync("b");
        it.Shell($"cat loader/entries/ctree-{second}+3.conf").Should().Be(entry);
    }

    private static string Default(KernelDevice it) => File.ReadLines(it.BootPath("loader/loader.conf")).First();

    /// <summary>Kernels in the order in which bootctl lists their entries.</summary>
    private static string[] List(KernelDevice it) =>
    [
        .. it.Shell($"SYSTEMD_RELAX_ESP_CHECKS=1 SYSTEMD_RELAX_XBOOTLDR_CHECKS=1 bootctl list --no-pager --esp-path='{it.Device.Layout.Boot}'")
            .Split('\n').Where(line => line.Trim().StartsWith("source:", StringComparison.Ordinal))
            .Select(line => Path.GetFileName(line.Trim())["ctree-".Length..].Split('+', '.')[0]),
    ];
}
