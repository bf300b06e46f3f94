using ContentTree.BootFile;
using ContentTree.Deploy.Config;
using ContentTree.Deploy.State;
using ContentTree.Store.Local;
using ContentTree.Store.Repositories;

namespace ContentTree.Deploy;

/// <summary>A device that was set up: its store, its state and its boot file below one root.</summary>
internal sealed class Device : IDisposable
{
    private Device(DeviceRoot root, AgentConfig config, TimeProvider clock, LocalStore store)
    {
        Root = root;
        Config = config;
        Clock = clock;
        Store = store;
        Store.SealsFiles = config.Seals;
        State = new DeviceStateFiles(root, clock);
        Trust = new TrustState(root, clock);
        Denials = new Denials(root, clock);
        Boot = new BootSlots(BootDirectory(root, config));
    }

    public DeviceRoot Root { get; }

    public DeviceLayout Layout => Root.Layout;

    public AgentConfig Config { get; }

    public TimeProvider Clock { get; }

    public LocalStore Store { get; }

    public DeviceStateFiles State { get; }

    public TrustState Trust { get; }

    public Denials Denials { get; }

    public BootSlots Boot { get; }

    /// <summary>What the selector did at this boot, or null where it did nothing yet.</summary>
    public BootedRecord? Booted => BootedRecord.Read(Config.IsLinked ? Layout.Booted : Root.Booted);

    /// <summary>What the boot file wants is not what runs.</summary>
    public bool IsRebootNeeded => Boot.Read() is { } record && Booted?.Deployment != record.Wanted;

    /// <summary>Where the boot file of a device is.</summary>
    public static string BootDirectory(DeviceRoot root, AgentConfig config) =>
        config.BootDirectory.Length > 0 ? Path.Combine(root.Path, config.BootDirectory.TrimStart('/')) : root.Layout.Boot;

    /// <exception cref="StoreNotFoundException">Nothing was set up below this root.</exception>
    public static Device Open(DeviceRoot root, AgentConfig config, TimeProvider clock) =>
        new(root, config, clock, LocalStore.Open(root.Store, isPrivileged: !config.Unprivileged));

    /// <summary>The key that names this device to its server.</summary>
    public DeviceKey ReadKey() => State.ReadKey();

    public void Dispose() => Store.Dispose();
}
