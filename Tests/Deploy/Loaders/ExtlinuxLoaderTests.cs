using ContentTree.Tests.Boot;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deploy.Loaders;

/// <summary>extlinux.conf, and the boot-once of Debian's extlinux on a real filesystem.</summary>
public sealed class ExtlinuxLoaderTests
{
    [Fact]
    public async Task Without_extlinux_itself_the_default_moves_and_the_selector_can_move_it_back()
    {
        await using var it = await KernelDevice.StartAsync("extlinux");
        var first = await it.TakeAsync("a");
        var second = await it.TryAsync("b");
        Config(it).Should().StartWith($"DEFAULT ctree-{second}\nPROMPT 0\nINCLUDE ctree-{second}.conf\n#").And.HaveLength(512);
        it.PointBack(first);
        Config(it).Should().StartWith($"DEFAULT ctree-{first}\n");
    }

    [MountFact("extlinux, e2fsprogs", "extlinux", "mkfs.ext4")]
    public async Task With_extlinux_a_new_kernel_is_started_once_and_the_default_moves_when_it_is_confirmed()
    {
        await using var it = await KernelDevice.StartAsync("extlinux");
        using var images = new Support.TemporaryDirectory();
        Shell.Run("truncate -s 16M disk; mkfs.ext4 -q -F disk", images.Path);
        using var mount = it.MountBoot($"-o loop '{images["disk"]}'");
        it.Shell("extlinux --install extlinux 2>&1");
        var first = await it.TakeAsync("a");
        Once(it).Should().BeEmpty();
        var second = await it.TryAsync("b");
        Config(it).Should().StartWith($"DEFAULT ctree-{first}\n").And.Contain($"INCLUDE ctree-{second}.conf\n");
        Once(it).Should().Be($"ctree-{second}");
        it.Device.BootNow();
        (await it.Device.RunAsync("confirm")).Code.Should().Be(0);
        Config(it).Should().StartWith($"DEFAULT ctree-{second}\n");
        Once(it).Should().BeEmpty();
    }

    [Fact]
    public async Task A_device_without_extlinux_and_without_its_file_is_refused_before_anything_is_written()
    {
        await using var it = await KernelDevice.StartAsync("extlinux");
        it.Shell("rm -r extlinux");
        it.Publish("a");
        await it.RefusedAsync("extlinux does not answer", "ldlinux.sys", "extlinux.conf");
        it.Shell("mkdir extlinux; : >extlinux/extlinux.conf");
        await it.Device.UpdateAsync();
    }

    private static string Config(KernelDevice it) => File.ReadAllText(it.BootPath("extlinux/extlinux.conf"));

    /// <summary>The command in the auxiliary data vector at the end of ldlinux.sys: tag 1, its length, the command.</summary>
    private static string Once(KernelDevice it)
    {
        var vector = File.ReadAllBytes(it.BootPath("extlinux/ldlinux.sys"))[^512..];
        return vector[8] == 1 ? System.Text.Encoding.ASCII.GetString(vector, 10, vector[9]) : "";
    }
}
