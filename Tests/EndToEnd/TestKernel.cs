using ContentTree.Tests.Boot;

namespace ContentTree.Tests.EndToEnd;

/// <summary>A real Debian kernel: downloaded once by apt, unpacked, not installed.</summary>
internal sealed class TestKernel
{
    private static readonly string[] DiskModules =
        ["virtio_ring.ko", "virtio.ko", "virtio_pci_legacy_dev.ko", "virtio_pci_modern_dev.ko", "virtio_pci.ko", "virtio_blk.ko"];

    private TestKernel(string directory)
    {
        Image = Directory.GetFiles(Path.Combine(directory, "boot"), "vmlinuz-*").Single();
        ModuleDirectory = Directory.GetDirectories(Path.Combine(directory, "lib/modules")).Single();
    }

    /// <summary>The compressed kernel that QEMU starts.</summary>
    public string Image { get; }

    /// <summary>What a virtio disk needs, dependencies first.</summary>
    public IEnumerable<string> ForDisks => DiskModules.Select(Module);

    private string ModuleDirectory { get; }

    /// <summary>The path of a module by its file name.</summary>
    public string Module(string name) =>
        Directory.GetFiles(ModuleDirectory, name, SearchOption.AllDirectories).Single();

    public static TestKernel Fetch()
    {
        var cache = Path.Combine(BootSamples.Repository, ".work/kernel");
        var unpacked = Path.Combine(cache, "unpacked");
        if (!Directory.Exists(unpacked))
            Download(cache, unpacked);
        return new TestKernel(unpacked);
    }

    private static void Download(string cache, string unpacked)
    {
        Directory.CreateDirectory(cache);
        foreach (var old in Directory.GetFiles(cache, "*.deb"))
            File.Delete(old);
        var depends = Programs.Run(cache, "apt-cache", "depends", "linux-image-cloud-amd64");
        var package = depends.Split('\n').First(line => line.Contains("Depends: linux-image-", StringComparison.Ordinal)).Split(' ')[^1];
        Programs.Run(cache, "apt-get", "-q", "download", package);
        var archive = Directory.GetFiles(cache, package + "_*.deb").Single();
        Programs.Run(cache, "dpkg-deb", "-x", archive, unpacked + ".part");
        Directory.Move(unpacked + ".part", unpacked);
    }
}
