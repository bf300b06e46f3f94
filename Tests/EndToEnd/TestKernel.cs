using ContentTree.Tests.Boot;

namespace ContentTree.Tests.EndToEnd;

/// <summary>A real Debian kernel: downloaded once by apt, unpacked, not installed.</summary>
internal sealed class TestKernel
{
    private static readonly string[] DiskModules =
        ["virtio_ring.ko", "virtio.ko", "virtio_pci_legacy_dev.ko", "virtio_pci_modern_dev.ko", "virtio_pci.ko", "virtio_blk.ko"];

    private static readonly Lock Fetching = new();

    private TestKernel(string directory)
    {
        Version = Path.GetFileName(Directory.GetDirectories(Path.Combine(directory, "lib/modules")).Single());
        Image = Directory.GetFiles(Path.Combine(directory, "boot"), "vmlinuz-*").Single();
        ModuleDirectory = Directory.GetDirectories(Path.Combine(directory, "lib/modules")).Single();
    }

    /// <summary>The compressed kernel that QEMU starts.</summary>
    public string Image { get; }

    /// <summary>What a virtio disk needs, dependencies first.</summary>
    public IEnumerable<string> ForDisks => DiskModules.Select(Module);

    /// <summary>What <c>uname -r</c> says when it runs.</summary>
    public string Version { get; }

    private string ModuleDirectory { get; }

    /// <summary>The path of a module by its file name.</summary>
    public string Module(string name) =>
        Directory.GetFiles(ModuleDirectory, name, SearchOption.AllDirectories).Single();

    /// <summary>The one of a whole system, which its own modules fit.</summary>
    public static TestKernel Of(DebianRoot debian) => new(debian.Tree);

    public static TestKernel Fetch() => Fetch("kernel", Newest);

    /// <summary>Another version that the archive still has.</summary>
    public static TestKernel FetchOther() => Fetch("kernel-other", () =>
        Programs.Run("/", "apt-cache", "search", "--names-only", "^linux-image-[0-9.]+-[0-9]+-cloud-amd64$").Split('\n')
            .Select(line => line.Split(' ')[0]).Where(name => name.Length > 0 && name != Newest()).Order(StringComparer.Ordinal).Last());

    /// <summary>The one for any machine, with drivers and file systems that the one for clouds leaves out.</summary>
    public static TestKernel FetchGeneric() => Fetch("kernel-generic", () => NewestOf("linux-image-amd64"));

    private static TestKernel Fetch(string directory, Func<string> package)
    {
        var cache = Path.Combine(BootSamples.Repository, ".work", directory);
        var unpacked = Path.Combine(cache, "unpacked");
        lock (Fetching)
        {
            if (!Directory.Exists(unpacked))
                Download(cache, unpacked, package());
        }
        return new TestKernel(unpacked);
    }

    private static string Newest() => NewestOf("linux-image-cloud-amd64");

    private static string NewestOf(string package) => Programs.Run("/", "apt-cache", "depends", package)
        .Split('\n').First(line => line.Contains("Depends: linux-image-", StringComparison.Ordinal)).Split(' ')[^1];

    private static void Download(string cache, string unpacked, string package)
    {
        Directory.CreateDirectory(cache);
        foreach (var old in Directory.GetFiles(cache, "*.deb"))
            File.Delete(old);
        Programs.Run(cache, "apt-get", "-q", "download", package);
        var archive = Directory.GetFiles(cache, package + "_*.deb").Single();
        Programs.Run(cache, "dpkg-deb", "-x", archive, unpacked + ".part");
        Directory.Move(unpacked + ".part", unpacked);
    }
}
