using System.Diagnostics;
using System.Text;
using ContentTree.BootFile;
using ContentTree.Deploy.Deployments;
using ContentTree.Store;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;

namespace ContentTree.Deploy.Loaders;

/// <summary>
/// The kernels of a device and the loader that starts them. Without a loader in the configuration it does nothing at all: then
/// kernels come from elsewhere.
/// </summary>
internal sealed class DeviceLoader
{
    private const string Word = "ctree.assets=";

    private readonly Device _device;
    private readonly ILoader? _loader;
    private readonly BootFiles _files;
    private readonly EntryFiles _entries;
    private readonly AssetsDirectory _assets;
    private readonly string _directory;

    public DeviceLoader(Device device)
    {
        _device = device;
        _directory = Device.BootDirectory(device.Root, device.Config);
        _files = new BootFiles(_directory);
        _entries = new EntryFiles(_files);
        _assets = new AssetsDirectory(device.Store, _directory);
        _loader = device.Config.Loader switch
        {
            "none" => null,
            "uboot" => new UbootLoader(_files, _entries, new UbootEnvironment(Path.Combine(device.Root.Path, device.Config.LoaderEnvironment.TrimStart('/')))),
            "grub" => new GrubLoader(_files, _entries),
            "systemd-boot" => new SystemdBootLoader(_files, _entries),
            "extlinux" => new ExtlinuxLoader(_files, _entries),
            _ => throw new UnreachableException(),
        };
    }

    /// <exception cref="StoppedException">The loader does not answer.</exception>
    public void RequireAnswer() => _loader?.RequireAnswer();

    /// <summary>The kernel that a root tree is to boot with; null when it brings none or kernels come from elsewhere.</summary>
    public BootAssets? Find(ObjectId tree) => Find(tree, _device.Store.ReadTree);

    /// <summary>The same, for a tree that is read otherwise.</summary>
    public BootAssets? Find(ObjectId tree, Func<ObjectId, Tree> read) => _loader is null
        ? null
        : new KernelSearch(read, tree).Find(_device.Config.DeviceTree, BootEntry.CheckedOptions(_device.Config.KernelOptions));

    /// <summary>What a kernel takes, when every deployment goes but those that are to stay.</summary>
    public BootRoom RoomFor(BootAssets assets, IReadOnlySet<DeploymentName> stay)
    {
        var needed = DeploymentSet.Scan(_device.Layout).Where(d => stay.Contains(d.Name)).Select(d => d.Marker.Assets).Append(Running()).Append(assets.Name).ToHashSet();
        return new BootRoom(_directory, _assets.Needs(assets), _assets.Free() + _assets.Names().Where(name => !needed.Contains(name)).Sum(_assets.SizeOf));
    }

    /// <summary>The kernels that are on the boot partition, with the bytes of each, and what is free there.</summary>
    public (string Directory, string Running, IReadOnlyList<(string Name, long Bytes)> Kernels, long Free) Describe() =>
        (_directory, Running(), [.. _assets.Names().Order(StringComparer.Ordinal).Select(name => (name, _assets.SizeOf(name)))], _assets.Free());

    /// <summary>Whether the boot partition lacks room for a kernel.</summary>
    public bool IsShortOfRoom(BootAssets assets) => _assets.Shortage(assets) > 0;

    /// <exception cref="StoppedException">No room for the kernel.</exception>
    public void RequireRoom(BootAssets assets) => _assets.RequireRoom(assets);

    /// <summary>Puts a kernel and its entry on the boot partition, durably. Nothing starts it yet.</summary>
    public void Bring(BootAssets assets)
    {
        _assets.Bring(assets);
        _loader?.Add(new BootEntry(assets, Prefix()));
        _files.Settle();
    }

    /// <summary>
    /// Makes the loader start what a boot record wants; called right before that record is written. What has come up before also
    /// gets a pointer that the selector can use.
    /// </summary>
    public void Follow(BootRecord record)
    {
        if (_loader is null || AssetsOf(record.Wanted) is not { } assets)
            return;
        var isTrial = record.State == BootState.Trial;
        var fallback = isTrial && record.Previous is { } previous ? AssetsOf(previous) : null;
        _loader.Start(assets, fallback == assets ? null : fallback, record.TriesLeft);
        _files.Settle();
        if (!isTrial)
            Prepare(_loader.Pointer(assets), assets);
    }

    /// <summary>Removes the kernels that no deployment needs, after those deployments.</summary>
    public void Collect()
    {
        if (_loader is null)
            return;
        var needed = DeploymentSet.Scan(_device.Layout).Select(d => d.Marker.Assets).Append(Running()).ToHashSet();
        foreach (var name in _assets.Names().Concat(_entries.Names()).Distinct().Where(name => !needed.Contains(name)).ToArray())
        {
            Unprepare(name);
            _loader.Remove(name);
            _assets.Remove(name);
        }
        _assets.RemoveLeftovers();
        _entries.RemoveLeftovers();
        if (Directory.Exists(_device.Layout.LoaderPointers))
            DurableFiles.RemoveTemporaries(_device.Layout.LoaderPointers);
    }

    private string? AssetsOf(DeploymentName name) =>
        FinishedDeployment.Find(_device.Layout, name) is { Assets: { Length: > 0 } assets } ? assets : null;

    private void Prepare(LoaderPointer pointer, string assets)
    {
        using (var state = Posix.OpenDirectory(_device.Layout.State))
        {
            DurableFiles.EnsureDirectory(state, "loader"u8, 0x1ed);
            Posix.Fsync(state, _device.Layout.State);
        }
        using var pointers = Posix.OpenDirectory(_device.Layout.LoaderPointers);
        DurableFiles.Replace(pointers, Encoding.ASCII.GetBytes(assets), pointer.Encode());
    }

    private void Unprepare(string assets)
    {
        if (!Directory.Exists(_device.Layout.LoaderPointers))
            return;
        using var pointers = Posix.OpenDirectory(_device.Layout.LoaderPointers);
        TreeCheckout.Remove(pointers, Encoding.ASCII.GetBytes(assets));
        Posix.Fsync(pointers, _device.Layout.LoaderPointers);
    }

    private string Running() => _device.Root.IsGiven ? "" : File.ReadAllText("/proc/cmdline").Split((char[]?)null)
        .LastOrDefault(word => word.StartsWith(Word, StringComparison.Ordinal))?[Word.Length..] ?? "";

    // A loader sees the partition's own paths: what lies above the boot directory on the same filesystem belongs to them.
    private string Prefix()
    {
        var (path, names) = (Path.GetFullPath(_directory), new Stack<string>());
        var (top, own) = (Path.GetFullPath(_device.Root.Path), FilesystemOf(path));
        while (path != top && Path.GetDirectoryName(path) is { } above && FilesystemOf(above) == own)
        {
            names.Push("/" + Path.GetFileName(path));
            path = above;
        }
        return string.Concat(names);
    }

    private static (uint, uint) FilesystemOf(string path)
    {
        using var directory = Posix.OpenDirectory(path);
        var stat = Posix.Stat(directory, path);
        return (stat.DeviceMajor, stat.DeviceMinor);
    }
}
