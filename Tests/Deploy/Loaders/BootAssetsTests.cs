using System.Text.Json.Nodes;
using ContentTree.Server.Deltas;
using ContentTree.Store.Deltas.Generation;
using ContentTree.Tests.Boot;
using TemporaryDirectory = ContentTree.Tests.Support.TemporaryDirectory;

namespace ContentTree.Tests.Deploy.Loaders;

/// <summary>Kernels of trees on the boot partition: copied, shared, named in marker and entries, collected, never squeezed in.</summary>
public sealed class BootAssetsTests
{
    [Fact]
    public async Task A_kernel_is_copied_under_a_name_of_its_content_and_shared_by_trees_with_an_equal_one()
    {
        await using var it = await KernelDevice.StartAsync("extlinux");
        var name = await it.TakeAsync("a");
        name.Should().MatchRegex("^[0-9a-f]{32}$");
        it.Kernels().Should().Equal(name);
        it.Shell($"cat ctree/{name}-vmlinuz ctree/{name}-initrd").Should().Be("kernel a\ninitramfs a\n");
        (await it.TakeAsync("a")).Should().Be(name);
        it.Kernels().Should().Equal(name);
        var other = await it.TakeAsync("b");
        other.Should().NotBe(name);
        it.Kernels().Should().BeEquivalentTo(name, other);
        it.Device.Deployments().Should().HaveCount(2);
    }

    [Fact]
    public async Task Entries_name_the_kernel_and_the_configured_words_and_never_a_deployment()
    {
        await using var it = await KernelDevice.StartAsync("extlinux");
        var name = await it.TakeAsync("a");
        var entry = it.Shell($"cat loader/entries/ctree-{name}.conf").Split('\n');
        entry.Should().Contain($"linux /ctree/boot/ctree/{name}-vmlinuz").And.Contain($"initrd /ctree/boot/ctree/{name}-initrd");
        entry.Should().Contain($"options root=UUID=1234 quiet panic=10 ctree.assets={name}");
        it.Shell("cat extlinux/extlinux.conf").Should().StartWith($"DEFAULT ctree-{name}\n");
        it.Shell($"cat extlinux/ctree-{name}.conf").Should().Contain($"  APPEND root=UUID=1234 quiet panic=10 ctree.assets={name}\n");
        it.Shell("cat loader/entries/* extlinux/* grub/*").Should().NotContain("ctree.deployment");
    }

    [Fact]
    public async Task Other_words_are_tried_and_left_like_another_kernel()
    {
        await using var it = await KernelDevice.StartAsync("grub");
        var first = await it.TakeAsync("a");
        it.Device.Configure("options = root=UUID=1234 debug\n");
        var second = await it.TryAsync("a");
        it.Shell($"cat loader/entries/ctree-{first}.conf").Should().Contain($"options root=UUID=1234 quiet panic=10 ctree.assets={first}\n");
        it.Shell($"cat loader/entries/ctree-{second}.conf").Should().Contain($"options root=UUID=1234 debug ctree.assets={second}\n");
        it.Shell("cat grub/grubenv").Should().Contain($"ctree_fallback=ctree-{first}\nboot_counter=3\n");
    }

    [Fact]
    public async Task Words_that_loaders_read_differently_are_refused()
    {
        await using var it = await KernelDevice.StartAsync("grub", "options = quiet 'a b'");
        it.Publish("a");
        (await it.Device.RunAsync("update")).Code.Should().Be(2);
        it.Device.Deployments().Should().BeEmpty();
    }

    [Fact]
    public async Task A_damaged_copy_is_noticed_and_made_anew()
    {
        await using var it = await KernelDevice.StartAsync("extlinux");
        var name = await it.TakeAsync("a");
        File.WriteAllText(it.BootPath($"ctree/{name}-vmlinuz"), "kernel b\n");
        await it.TakeAsync("a");
        File.ReadAllText(it.BootPath($"ctree/{name}-vmlinuz")).Should().Be("kernel a\n");
    }

    [Fact]
    public async Task Kernels_that_no_deployment_needs_are_collected_and_those_of_others_stay()
    {
        await using var it = await KernelDevice.StartAsync("grub", "[store]\nkeep = 1");
        Directory.CreateDirectory(it.BootPath("loader/entries"));
        File.WriteAllText(it.BootPath("loader/entries/debian.conf"), "title somebody else's\n");
        var first = await it.TakeAsync("a");
        var second = await it.TakeAsync("b");
        it.Kernels().Should().BeEquivalentTo([first, second], "the first is what the second falls back to");
        var third = await it.TakeAsync("c");
        it.Kernels().Should().BeEquivalentTo(second, third);
        it.Boot("loader/entries").Should().BeEquivalentTo("debian.conf", $"ctree-{second}.conf", $"ctree-{third}.conf");
        it.Boot("grub").Should().BeEquivalentTo("grub.cfg", "grubenv", $"ctree-{second}.cfg", $"ctree-{third}.cfg");
        Directory.GetFiles(it.Device.Layout.LoaderPointers).Select(Path.GetFileName).Should().BeEquivalentTo(second, third);
    }

    [MountFact]
    public async Task A_boot_partition_without_room_is_told_before_anything_is_written()
    {
        await using var it = await KernelDevice.StartAsync("extlinux");
        using var small = it.MountBoot("-t tmpfs -o size=512k none");
        var first = await it.TakeAsync("a");
        it.Server.Publish("mkdir -p boot usr; head -c 600000 /dev/zero >boot/vmlinuz-6.1");
        var before = it.Shell("find . | sort; cat boot.a");
        var result = await it.Device.RunAsync("update");
        result.Code.Should().Be(15);
        result.Error.Should().Contain("the kernel of this commit does not fit").And.Contain(it.Device.Layout.Boot);
        it.Shell("find . | sort; cat boot.a").Should().Be(before);
        it.Kernels().Should().Equal([first], "what runs keeps its kernel");
        it.Device.Deployments().Should().HaveCount(1);
    }

    [MountFact]
    public async Task A_kernel_that_does_not_fit_is_refused_before_its_commit_is_downloaded_also_by_delta()
    {
        await using var it = await KernelDevice.StartAsync("extlinux");
        using var small = it.MountBoot("-t tmpfs -o size=512k none");
        var first = it.Publish("a");
        await it.Device.TakeAsync();
        var second = it.Server.Publish("mkdir -p boot usr; head -c 600000 /dev/urandom >boot/vmlinuz-6.1");
        using (var deltas = new DeltaStore(it.Server.Data))
            deltas.Make(first, second, new DeltaOptions(), null, CancellationToken.None);
        it.Server.Link.Reset();
        var plan = await it.Device.RunAsync("plan");
        plan.Code.Should().Be(15);
        plan.Output.Should().MatchRegex($"kernel     65[0-9]\\.[0-9] KiB in {it.Device.Layout.Boot}; 4[0-9]+\\.[0-9] KiB are free").And.Contain("fits       no");
        var json = JsonNode.Parse((await it.Device.RunAsync("--json", "plan")).Output)!;
        (json["fits"]!.GetValue<bool>(), json["bootBytes"]!.GetValue<long>() > json["bootFreeBytes"]!.GetValue<long>()).Should().Be((false, true));
        var refused = await it.Device.RunAsync("update");
        (refused.Code, it.Server.Link.BodyBytes < 500_000).Should().Be((15, true), refused.Error);
        refused.Error.Should().Contain("the kernel of this commit does not fit");
    }

    [Fact]
    public async Task The_plan_and_the_status_tell_of_kernels()
    {
        await using var it = await KernelDevice.StartAsync("grub");
        var name = await it.TakeAsync("a");
        it.Publish("a");
        (await it.Device.RunAsync("plan")).Output.Should().Contain($"kernel     is in {it.Device.Layout.Boot} already");
        var status = await it.Device.RunAsync("status");
        status.Unwrapped.Should().MatchRegex($"loader     grub, .* free in {it.Device.Layout.Boot}\n").And.Contain($"kernel {name[..8]}  21 bytes\n").And.Contain($"confirmed  kernel {name[..8]}\n");
        var loader = (await it.Device.JsonAsync("status"))["loader"]!;
        (loader["name"]!.GetValue<string>(), loader["kernels"]![0]!["name"]!.GetValue<string>(), loader["kernels"]![0]!["bytes"]!.GetValue<long>()).Should().Be(("grub", name, 21));
        (await it.Device.JsonAsync("status"))["deployments"]![0]!["kernel"]!.GetValue<string>().Should().Be(name);
    }

    [MountFact]
    public async Task What_nobody_may_fall_back_to_makes_room()
    {
        await using var it = await KernelDevice.StartAsync("extlinux");
        using var small = it.MountBoot("-t tmpfs -o size=1m none");
        it.Server.Publish("mkdir -p boot usr; echo a >boot/vmlinuz-6.1");
        await it.Device.TakeAsync();
        var failing = it.Server.Publish("mkdir -p boot usr; head -c 500000 /dev/zero >boot/vmlinuz-6.1");
        await it.Device.UpdateAsync();
        (await it.Device.RunAsync("rollback")).Code.Should().Be(0);
        it.Kernels().Should().HaveCount(2);
        var next = it.Server.Publish("mkdir -p boot usr; head -c 500001 /dev/zero >boot/vmlinuz-6.1");
        await it.Device.UpdateAsync();
        it.Kernels().Should().HaveCount(2);
        it.Device.Deployments().Select(d => d.Split('-')[1]).Should().NotContain($"{failing}"[..8]).And.Contain($"{next}"[..8]);
    }

    [MountFact("e2fsprogs", "mkfs.ext4", "debugfs")]
    public async Task A_loader_that_reads_no_journal_finds_the_kernel_after_a_power_cut()
    {
        await using var it = await KernelDevice.StartAsync("grub");
        using var images = new TemporaryDirectory();
        Support.Shell.Run("truncate -s 32M disk; mkfs.ext4 -q -F disk", images.Path);
        using var partition = it.MountBoot($"-o loop '{images["disk"]}'");
        var name = await it.TryAsync("a");
        // debugfs shows what is in its place on the medium, as a loader sees it.
        Support.Shell.Run("cp disk cut", images.Path);
        string Seen(string path) => Support.Shell.Run($"debugfs -R 'cat {path}' cut 2>&1", images.Path);
        Seen($"ctree/{name}-vmlinuz").Should().EndWith("kernel a\n");
        Seen("grub/grubenv").Should().Contain($"saved_entry=ctree-{name}\n");
        Seen($"grub/ctree-{name}.cfg").Should().Contain($"linux '/ctree/{name}-vmlinuz'");
        Seen($"loader/entries/ctree-{name}.conf").Should().Contain($"linux /ctree/{name}-vmlinuz\n");
    }

    [Theory]
    [InlineData("boot/fit.itb", "image.itb")]
    [InlineData("boot/EFI/Linux/debian.efi", "linux.efi")]
    public async Task A_signed_image_is_kept_bit_for_bit(string path, string kept)
    {
        await using var it = await KernelDevice.StartAsync("extlinux");
        it.Server.Publish($"mkdir -p $(dirname {path}) usr; head -c 100000 /dev/urandom >{path}");
        await it.Device.TakeAsync();
        var deployment = it.Device.Boot.Read()!.Wanted.ToString();
        var tree = Path.Combine(it.Device.Layout.Deployments, deployment, path);
        File.ReadAllBytes(it.BootPath($"ctree/{it.Assets(deployment)}-{kept}")).Should().Equal(File.ReadAllBytes(tree));
    }

    [Fact]
    public async Task The_device_tree_that_is_asked_for_comes_along_or_the_commit_is_refused()
    {
        await using var it = await KernelDevice.StartAsync("extlinux", "devicetree = broadcom/board.dtb");
        it.Publish("a");
        var refused = await it.Device.RunAsync("update");
        refused.Code.Should().Be(16);
        refused.Error.Should().Contain("broadcom/board.dtb");
        it.Server.Publish("mkdir -p usr/lib/modules/6.1/dtb/broadcom; cd usr/lib/modules/6.1; echo k >vmlinuz; echo board >dtb/broadcom/board.dtb; echo other >dtb/broadcom/other.dtb");
        await it.Device.TakeAsync();
        var name = it.Kernels().Single();
        it.Shell($"cat ctree/{name}-dtb").Should().Be("board\n");
        it.Shell($"cat loader/entries/ctree-{name}.conf").Should().Contain($"devicetree /ctree/boot/ctree/{name}-dtb\n");
    }

    [Fact]
    public async Task A_tree_with_two_kernels_is_refused_by_name()
    {
        await using var it = await KernelDevice.StartAsync("extlinux");
        it.Server.Publish("mkdir -p boot usr; echo a >boot/vmlinuz-1; echo b >boot/vmlinuz-2");
        var result = await it.Device.RunAsync("update");
        result.Code.Should().Be(16);
        result.Error.Should().Contain("/boot/vmlinuz-1").And.Contain("/boot/vmlinuz-2");
    }

    [Fact]
    public async Task Repair_brings_the_kernel_back_with_the_marker()
    {
        await using var it = await KernelDevice.StartAsync("extlinux");
        var name = await it.TakeAsync("a");
        var deployment = it.Device.Deployments().Single();
        File.Delete(Path.Combine(it.Device.Layout.Deployments, deployment + ".ok"));
        Directory.Delete(it.BootPath("ctree"), recursive: true);
        (await it.Device.RunAsync("repair")).Code.Should().Be(0);
        it.Assets(deployment).Should().Be(name);
        it.Kernels().Should().Equal(name);
    }

    [Fact]
    public async Task Without_a_loader_another_kernel_is_refused_unless_any_will_do_and_trees_without_one_are_taken()
    {
        await using var it = await KernelDevice.StartAsync("none");
        (await it.TakeAsync("a")).Should().BeEmpty();
        it.Boot("").Should().NotContain("ctree");
        await it.TakeAsync("a");
        var bad = it.Publish("b");
        var result = await it.Device.RunAsync("update");
        result.Code.Should().Be(16);
        result.Error.Should().Contain(bad.ToString()).And.Contain("another kernel").And.Contain("kernel = any");
        it.Server.Publish("mkdir -p usr; echo none >usr/file");
        await it.Device.TakeAsync();
        await it.TakeAsync("a");
        it.Publish("c");
        it.Device.Configure("kernel = any\n");
        await it.Device.TakeAsync();
    }
}
