namespace ContentTree.Tests.Deploy.Loaders;

/// <summary>U-Boot's environment in two files, written and read by Debian's fw_setenv and fw_printenv.</summary>
public sealed class UbootLoaderTests
{
    private const string Package = "libubootenv-tool";

    [LoaderFact(Package, "fw_printenv", "fw_setenv")]
    public async Task A_new_kernel_is_counted_until_it_is_confirmed()
    {
        await using var it = await StartAsync("altbootcmd=run ctree_back\nbootcount=7\n");
        var first = await it.TakeAsync("a");
        Print(it).Should().BeEquivalentTo("altbootcmd=run ctree_back", $"ctree_entry=ctree-{first}", "bootcount=0", "upgrade_available=0");
        var second = await it.TryAsync("b");
        Print(it).Should().BeEquivalentTo(
            "altbootcmd=run ctree_back", $"ctree_entry=ctree-{second}", $"ctree_previous=ctree-{first}", "bootlimit=3", "bootcount=0", "upgrade_available=1");
        File.ReadAllText(it.BootPath("ctree.env")).Should().StartWith($"ctree_entry=ctree-{second}\n#").And.HaveLength(512);
        it.Device.BootNow();
        (await it.Device.RunAsync("confirm")).Code.Should().Be(0);
        Print(it).Should().Contain("upgrade_available=0").And.Contain("bootcount=0");
    }

    [LoaderFact(Package, "fw_printenv", "fw_setenv")]
    public async Task The_selector_points_back_on_the_boot_partition()
    {
        await using var it = await StartAsync("altbootcmd=run ctree_back\n");
        var first = await it.TakeAsync("a");
        await it.TryAsync("b");
        it.PointBack(first);
        File.ReadAllText(it.BootPath("ctree.env")).Should().StartWith($"ctree_entry=ctree-{first}\n#");
        File.ReadAllText(it.BootPath($"extlinux/ctree-{first}.conf")).Should().StartWith($"LABEL ctree-{first}\n");
    }

    [LoaderFact(Package, "fw_printenv", "fw_setenv")]
    public async Task One_damaged_copy_is_survived_and_two_end_the_update_before_it_begins()
    {
        await using var it = await StartAsync("altbootcmd=run ctree_back\n");
        await it.TakeAsync("a");
        Damage(it, "env.a");
        await it.TakeAsync("b");
        Damage(it, "env.a");
        Damage(it, "env.b");
        await Refused(it, "fw_printenv");
    }

    [LoaderFact(Package, "fw_printenv", "fw_setenv")]
    public async Task Without_altbootcmd_a_device_would_wait_at_a_prompt_so_nothing_begins()
    {
        await using var it = await StartAsync("bootcmd=run it\n");
        await Refused(it, "altbootcmd");
    }

    [LoaderFact(Package, "fw_printenv", "fw_setenv")]
    public async Task A_missing_configuration_of_the_environment_ends_the_update_before_it_begins()
    {
        await using var it = await KernelDevice.StartAsync("uboot");
        await Refused(it, "fw_printenv");
    }

    private static async Task Refused(KernelDevice it, string because)
    {
        it.Publish("z");
        var before = it.Device.Deployments();
        var result = await it.Device.RunAsync("update");
        result.Code.Should().Be(1);
        result.Error.Should().Contain(because);
        it.Device.Deployments().Should().Equal(before);
    }

    private static async Task<KernelDevice> StartAsync(string variables)
    {
        var it = await KernelDevice.StartAsync("uboot");
        it.Shell($"""
            set -e; cd "{it.Device.Root}"
            head -c 8192 /dev/zero >env.a; cp env.a env.b
            printf '%s 0x0 0x2000\n' "$PWD/env.a" "$PWD/env.b" >etc/fw_env.config
            printf '%s' '{variables}' >env.default
            fw_setenv -c etc/fw_env.config -f env.default first 2>&1
            """);
        return it;
    }

    private static void Damage(KernelDevice it, string copy) =>
        it.Shell($"printf damaged | dd of='{it.Device.Root}/{copy}' conv=notrunc status=none");

    private static string[] Print(KernelDevice it) =>
        it.Shell($"fw_printenv -c '{it.Device.Root}/etc/fw_env.config'").Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
