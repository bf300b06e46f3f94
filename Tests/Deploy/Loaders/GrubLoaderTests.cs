using ContentTree.BootFile;

namespace ContentTree.Tests.Deploy.Loaders;

/// <summary>GRUB's environment block, judged by grub-editenv.</summary>
public sealed class GrubLoaderTests
{
    [LoaderFact("grub-common", "grub-editenv")]
    public async Task A_new_kernel_is_counted_until_it_is_confirmed_and_other_variables_stay()
    {
        await using var it = await KernelDevice.StartAsync("grub");
        Directory.CreateDirectory(it.BootPath("grub"));
        it.Shell("grub-editenv grub/grubenv create; grub-editenv grub/grubenv set theirs='a=b \\ c'");
        var first = await it.TakeAsync("a");
        List(it).Should().BeEquivalentTo($"saved_entry=ctree-{first}", "boot_success=1", "theirs=a=b \\ c");
        var second = await it.TryAsync("b");
        List(it).Should().BeEquivalentTo(
            $"saved_entry=ctree-{second}", $"ctree_fallback=ctree-{first}", "boot_counter=3", "boot_success=0", "theirs=a=b \\ c");
        it.Shell("grub-editenv grub/grubenv set boot_counter=2; stat -c %s grub/grubenv").Should().Be("1024\n");
        it.Device.BootNow();
        (await it.Device.RunAsync("confirm")).Code.Should().Be(0);
        List(it).Should().BeEquivalentTo($"saved_entry=ctree-{second}", "boot_success=1", "theirs=a=b \\ c");
    }

    [LoaderFact("grub-common", "grub-editenv")]
    public async Task A_new_tree_with_the_same_kernel_is_not_the_loaders_business()
    {
        await using var it = await KernelDevice.StartAsync("grub");
        var first = await it.TakeAsync("a");
        (await it.TryAsync("a")).Should().Be(first);
        List(it).Should().BeEquivalentTo($"saved_entry=ctree-{first}", "boot_success=1");
    }

    [LoaderFact("grub-common", "grub-editenv")]
    public async Task The_selector_points_back_and_GRUB_can_still_write_its_block()
    {
        await using var it = await KernelDevice.StartAsync("grub");
        var first = await it.TakeAsync("a");
        await it.TryAsync("b");
        it.PointBack(first);
        List(it).Should().BeEquivalentTo($"saved_entry=ctree-{first}", "boot_success=1");
        it.Shell("grub-editenv grub/grubenv set more=1");
        List(it).Should().Contain("more=1");
    }

    [LoaderFact("grub-common", "grub-editenv")]
    public async Task A_damaged_block_ends_the_update_before_it_begins()
    {
        await using var it = await KernelDevice.StartAsync("grub");
        await it.TakeAsync("a");
        File.WriteAllText(it.BootPath("grub/grubenv"), "garbage");
        it.Publish("b");
        it.Server.Link.Reset();
        var result = await it.Device.RunAsync("update");
        result.Code.Should().Be(1);
        result.Error.Should().Contain("grubenv").And.Contain("grub-editenv");
        using (var store = it.Device.OpenStore())
            store.Commits().Should().HaveCount(1, "nothing was fetched");
        it.Shell("grub-editenv grub/grubenv create");
        await it.Device.UpdateAsync();
    }

    [Fact]
    public async Task A_missing_block_a_missing_configuration_and_one_that_does_not_read_the_block_are_refused()
    {
        await using var it = await KernelDevice.StartAsync("grub");
        it.Publish("a");
        it.Shell("mv grub/grubenv away");
        await it.RefusedAsync("grub/grubenv: there is none", "grub-editenv");
        it.Shell("mv away grub/grubenv; mv grub/grub.cfg away");
        await it.RefusedAsync("grub/grub.cfg: there is none", "packaging/grub/grub.cfg");
        it.Shell("echo 'load_env; linux /vmlinuz' >grub/grub.cfg");
        await it.RefusedAsync("says nothing of saved_entry");
        it.Shell("mv away grub/ours.cfg; echo 'source $prefix/ours.cfg' >grub/grub.cfg");
        await it.Device.UpdateAsync();
    }

    [LoaderFact("grub-common", "grub-editenv")]
    public async Task After_a_fallback_the_boot_file_is_settled_even_when_the_loader_is_not()
    {
        await using var it = await KernelDevice.StartAsync("grub");
        await it.TakeAsync("a");
        var good = it.Device.Boot.Read()!.Wanted;
        await it.TryAsync("b");
        for (var boot = 0; boot < 4; boot++)
            it.Device.BootNow();
        it.Device.Boot.Read()!.State.Should().Be(BootState.Fallback);
        File.WriteAllText(it.BootPath("grub/grubenv"), "garbage");
        var result = await it.Device.RunAsync("update");
        result.Code.Should().Be(1);
        result.Error.Should().Contain("grubenv");
        it.Device.Boot.Read()!.State.Should().Be(BootState.Good, "what runs must not use up its tries");
        it.Device.Boot.Read()!.Wanted.Should().Be(good);
    }

    private static string[] List(KernelDevice it) => it.Shell("grub-editenv grub/grubenv list").Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
