using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;

namespace ContentTree.Deploy.Loaders;

/// <summary>
/// Finds the kernel of a tree and what belongs to it, where distributions put them: <c>/usr/lib/modules/VERSION/</c>, else
/// <c>/boot</c>. Symlinks are passed over.
/// </summary>
/// <param name="read">Reads a tree object.</param>
/// <param name="root">The root tree.</param>
internal sealed class KernelSearch(Func<ObjectId, Tree> read, ObjectId root)
{
    private static readonly string[] ModuleDirectories = ["usr/lib/modules", "lib/modules"];
    private static readonly string[] ImageDirectories = ["boot", "boot/EFI/Linux"];
    private static readonly string[] KernelNames = ["vmlinuz", "vmlinux", "Image", "zImage", "bzImage"];
    private static readonly string[] InitramfsNames = ["initramfs", "initrd"];

    /// <param name="deviceTree">Which one of several device trees, such as <c>broadcom/bcm2711-rpi-4-b.dtb</c>; "" for the only one.</param>
    /// <param name="options">The configured kernel command line.</param>
    /// <returns>Null when the tree has no kernel.</returns>
    /// <exception cref="StoppedException">It has several, or not the device tree that was asked for.</exception>
    public BootAssets? Find(string deviceTree, string options)
    {
        var kernels = Kernels().ToArray();
        if (kernels.Length == 0)
            return null;
        if (kernels.Length > 1)
        {
            throw new StoppedException(ExitCode.Held,
                $"the tree has {kernels.Length} kernels ({string.Join(", ", kernels.Select(k => $"/{k.Directory}/{k.File.Name}"))}), and nobody can tell which one to start: publish it with one");
        }
        var (directory, version, file) = kernels[0];
        if (SignedName(file) is { } signed)
            return new BootAssets([(signed, file)], options);
        List<(string, TreeEntry.File)> files = [("vmlinuz", file)];
        if (Initramfs(directory, version) is { } initramfs)
            files.Add(("initrd", initramfs));
        if (DeviceTree(directory, version, deviceTree) is { } dtb)
            files.Add(("dtb", dtb));
        return new BootAssets(files, options);
    }

    /// <summary>Every kernel of the tree, by content.</summary>
    public HashSet<ObjectId> Ids() => [.. Kernels().Select(k => k.File.Id)];

    private IEnumerable<(string Directory, string Version, TreeEntry.File File)> Kernels()
    {
        var ofModules = ModuleDirectories
            .SelectMany(path => Entries(path).OfType<TreeEntry.Directory>().Select(d => (Directory: $"{path}/{d.Name}", Version: $"{d.Name}")))
            .Select(d => (d.Directory, d.Version, File: Entries(d.Directory).OfType<TreeEntry.File>().FirstOrDefault(f => $"{f.Name}" == "vmlinuz")))
            .Where(k => k.File is not null).Select(k => (k.Directory, k.Version, k.File!)).ToArray();
        if (ofModules.Length > 0)
            return ofModules;
        return ImageDirectories.SelectMany(path => Entries(path).OfType<TreeEntry.File>().Where(IsKernel).Select(f => (path, VersionOf(f), f)));
    }

    private TreeEntry.File? Initramfs(string directory, string version)
    {
        var candidates = new[] { directory, "boot" }.Distinct()
            .SelectMany(path => Entries(path).OfType<TreeEntry.File>().Select(f => (Path: path, File: f)))
            .Where(c => InitramfsNames.Any(name => $"{c.File.Name}".StartsWith(name, StringComparison.Ordinal))).ToArray();
        // Beside its modules no version is needed; in /boot there may be others.
        return candidates.FirstOrDefault(c => c.Path == directory && directory != "boot").File ??
            candidates.FirstOrDefault(c => version.Length > 0 && $"{c.File.Name}".Contains(version, StringComparison.Ordinal)).File ??
            (candidates.Length == 1 ? candidates[0].File : null);
    }

    private TreeEntry.File? DeviceTree(string directory, string version, string wanted)
    {
        string[] places = [$"{directory}/dtb", $"boot/dtb-{version}", $"boot/dtbs/{version}", $"usr/lib/linux-image-{version}", "boot/dtb", "boot"];
        if (wanted.Length > 0)
        {
            return places.Select(place => FileAt($"{place}/{wanted}")).FirstOrDefault(f => f is not null)
                ?? throw new StoppedException(ExitCode.Held, $"the tree has no device tree {wanted} ([boot] devicetree) beside its kernel {version}");
        }
        return FileAt($"{directory}/dtb") ?? FileAt($"boot/dtb-{version}") ?? FileAt("boot/dtb");
    }

    private TreeEntry.File? FileAt(string path) => At(path) as TreeEntry.File;

    private IEnumerable<TreeEntry> Entries(string path) => At(path) is TreeEntry.Directory directory ? read(directory.Id).Entries : [];

    private TreeEntry? At(string path)
    {
        try
        {
            return TreePath.Find(read, root, path);
        }
        catch (NotFoundException)
        {
            return null;
        }
    }

    private static bool IsKernel(TreeEntry.File file) => !$"{file.Name}".StartsWith("memtest", StringComparison.Ordinal) &&
        (SignedName(file) is not null || KernelNames.Any(name => $"{file.Name}" == name || $"{file.Name}".StartsWith(name + "-", StringComparison.Ordinal)));

    // A FIT or a UKI is whole in itself, and its signature covers every bit.
    private static string? SignedName(TreeEntry.File file) => Path.GetExtension($"{file.Name}").ToLowerInvariant() switch
    {
        ".itb" => "image.itb",
        ".efi" => "linux.efi",
        _ => null,
    };

    private static string VersionOf(TreeEntry.File file) => $"{file.Name}".Split('-', 2) is [_, var version] ? version : "";
}
