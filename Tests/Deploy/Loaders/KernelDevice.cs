using ContentTree.Store.Objects;
using ContentTree.Tests.Boot;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deploy.Loaders;

/// <summary>A device with a boot loader, its server, and trees with kernels.</summary>
internal sealed class KernelDevice : IAsyncDisposable
{
    private readonly string _loader;

    private KernelDevice(TestServer server, TestDevice device, string loader) => (Server, Device, _loader) = (server, device, loader);

    public TestServer Server { get; }

    public TestDevice Device { get; }

    public static async Task<KernelDevice> StartAsync(string loader, string more = "")
    {
        var server = await TestServer.StartAsync();
        var device = await TestDevice.EnrolledAsync(server);
        device.Configure($"[boot]\nloader = {loader}\noptions = root=UUID=1234 quiet panic=10\n{more}\n");
        var made = new KernelDevice(server, device, loader);
        made.InstallLoader();
        return made;
    }

    /// <summary>Puts a loader's own files where an installed one has them.</summary>
    public static void InstallLoader(string loader, string boot)
    {
        var files = loader switch
        {
            "systemd-boot" => [("EFI/systemd/systemd-bootx64.efi", "loader")],
            "grub" =>
            [
                ("grub/grub.cfg", File.ReadAllText(Path.Combine(BootSamples.Repository, "packaging/grub/grub.cfg"))),
                ("grub/grubenv", "# GRUB Environment Block\n".PadRight(1024, '#')),
            ],
            "extlinux" => [("extlinux/extlinux.conf", "")],
            _ => Array.Empty<(string Name, string Content)>(),
        };
        foreach (var (name, content) in files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(boot, name))!);
            File.WriteAllBytes(Path.Combine(boot, name), System.Text.Encoding.ASCII.GetBytes(content));
        }
    }

    /// <summary>A boot partition of its own, until it is disposed of.</summary>
    public TestMount MountBoot(string what)
    {
        var mount = new TestMount(what, Device.Layout.Boot);
        Device.Boot.Create();
        InstallLoader();
        return mount;
    }

    /// <summary>Publishes a root tree with a kernel of that content; the rest of the tree differs each time.</summary>
    public ObjectId Publish(string kernel) => Server.Publish(
        $"mkdir -p usr/lib/modules/6.1-{kernel} usr/bin; cd usr/lib/modules/6.1-{kernel}; echo kernel {kernel} >vmlinuz; echo initramfs {kernel} >initramfs.img; date +%N >../../../bin/now");

    /// <summary>Publishes, updates, boots and confirms.</summary>
    public async Task<string> TakeAsync(string kernel)
    {
        Publish(kernel);
        await Device.TakeAsync();
        return Assets(Device.Boot.Read()!.Wanted.ToString());
    }

    /// <summary>Publishes and updates: from then on it is on trial. The name of its kernel.</summary>
    public async Task<string> TryAsync(string kernel)
    {
        Publish(kernel);
        await Device.UpdateAsync();
        return Assets(Device.Boot.Read()!.Wanted.ToString());
    }

    public string Assets(string deployment) =>
        File.ReadAllLines(Path.Combine(Device.Layout.Deployments, deployment + ".ok")).Single(l => l.StartsWith("assets=", StringComparison.Ordinal))["assets=".Length..];

    public string BootPath(string name) => Path.Combine(Device.Layout.Boot, name);

    /// <summary>Kernels that have files on the boot partition.</summary>
    public string[] Kernels() => [.. Boot("ctree").Select(file => file.Split('-')[0]).Distinct()];

    public string[] Boot(string directory) => Directory.Exists(BootPath(directory))
        ? [.. Directory.GetFileSystemEntries(BootPath(directory)).Select(p => Path.GetFileName(p)!).Order(StringComparer.Ordinal)]
        : [];

    /// <summary>An update ends with a sentence that says these, and before it fetches or writes anything.</summary>
    public async Task RefusedAsync(params string[] says)
    {
        var before = Shell("find . | sort; cat boot.a boot.b");
        int commits;
        using (var store = Device.OpenStore())
            commits = store.Commits().Count;
        var result = await Device.RunAsync("update");
        result.Code.Should().Be(1, result.Error);
        says.Should().AllSatisfy(words => result.Error.Should().Contain(words));
        using (var store = Device.OpenStore())
            store.Commits().Should().HaveCount(commits, "nothing was fetched");
        Shell("find . | sort; cat boot.a boot.b").Should().Be(before);
    }

    /// <summary>What the selector does when it has to bring back a kernel.</summary>
    public void PointBack(string assets) =>
        BootFile.LoaderPointer.Read(Path.Combine(Device.Layout.LoaderPointers, assets))!.Write(Device.Layout.Boot);

    public string Shell(string command) => Support.Shell.Run(command, Device.Layout.Boot);

    private void InstallLoader() => InstallLoader(_loader, Device.Layout.Boot);

    public async ValueTask DisposeAsync()
    {
        Device.Dispose();
        await Server.DisposeAsync();
    }
}
