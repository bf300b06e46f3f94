using ContentTree.Store.Objects;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deploy.Loaders;

/// <summary>A device with a boot loader, its server, and trees with kernels.</summary>
internal sealed class KernelDevice : IAsyncDisposable
{
    private KernelDevice(TestServer server, TestDevice device) => (Server, Device) = (server, device);

    public TestServer Server { get; }

    public TestDevice Device { get; }

    public static async Task<KernelDevice> StartAsync(string loader, string more = "")
    {
        var server = await TestServer.StartAsync();
        var device = await TestDevice.EnrolledAsync(server);
        device.Configure($"[boot]\nloader = {loader}\noptions = root=UUID=1234 quiet panic=10\n{more}\n");
        return new KernelDevice(server, device);
    }

    /// <summary>A boot partition of its own, until it is disposed of.</summary>
    public TestMount MountBoot(string what)
    {
        var mount = new TestMount(what, Device.Layout.Boot);
        Device.Boot.Create();
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

    public string[] Boot(string directory) => Directory.Exists(BootPath(directory))
        ? [.. Directory.GetFileSystemEntries(BootPath(directory)).Select(p => Path.GetFileName(p)!).Order(StringComparer.Ordinal)]
        : [];

    /// <summary>What the selector does when it has to bring back a kernel.</summary>
    public void PointBack(string assets) =>
        BootFile.LoaderPointer.Read(Path.Combine(Device.Layout.LoaderPointers, assets))!.Write(Device.Layout.Boot);

    public string Shell(string command) => Support.Shell.Run(command, Device.Layout.Boot);

    public async ValueTask DisposeAsync()
    {
        Device.Dispose();
        await Server.DisposeAsync();
    }
}
