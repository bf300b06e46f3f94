using ContentTree.BootFile;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Deploy.State;

/// <summary>
/// Everything the device remembers, outside every tree and never rolled back (docs/device.md). Writers hold the device's lock.
/// </summary>
internal sealed class DeviceStateFiles(DeviceRoot root, TimeProvider clock)
{
    private const int MaxMessage = 2000;

    private readonly StateFile<FollowState> _follow = new(root.Layout.State, "follow.json", StateJson.Default.FollowState);
    private readonly StateFile<EnrolmentState> _enrolment = new(root.Layout.State, "enrolment.json", StateJson.Default.EnrolmentState, 0x180);
    private readonly StateFile<IdentityState> _identity = new(root.Layout.State, "identity.json", StateJson.Default.IdentityState, 0x180);
    private readonly StateFile<DeploymentsState> _deployments = new(root.Layout.State, "deployments.json", StateJson.Default.DeploymentsState);
    private readonly StateFile<EventsState> _events = new(root.Layout.State, "events.json", StateJson.Default.EventsState);
    private readonly StateFile<TransferState> _transfer = new(root.Layout.State, "transfer.json", StateJson.Default.TransferState);
    private readonly StateFile<ScrubState> _scrub = new(root.Layout.State, "scrub.json", StateJson.Default.ScrubState);
    private readonly StateFile<ConfigurationState> _configuration = new(root.Layout.State, "configuration.json", StateJson.Default.ConfigurationState);
    private readonly StateFile<TrialState> _trial = new(root.Layout.State, "trial.json", StateJson.Default.TrialState);
    private readonly StateFile<LastState> _last = new(root.Layout.State, "last.json", StateJson.Default.LastState);
    private readonly StateFile<InventoryState> _inventory = new(root.Layout.State, "inventory.json", StateJson.Default.InventoryState);
    private readonly StateFile<BarrierState> _barriers = new(root.Layout.State, "barriers.json", StateJson.Default.BarrierState);
    private readonly StateFile<DriftState> _drift = new(root.Layout.State, "drift.json", StateJson.Default.DriftState);

    private string KeyFile => Path.Combine(root.Layout.State, "device.pem");

    /// <summary>The key that names this device to its server.</summary>
    public DeviceKey ReadKey() => new(SigningKey.Parse(File.ReadAllText(KeyFile)), Identity);

    /// <summary>When that key was made.</summary>
    public DateTimeOffset KeySince()
    {
        using var key = ReadKey();
        return Identity is { Keys: [.., var last] } identity && last.PublicKey == key.Signing.Public.Pem ? identity.Since : File.GetLastWriteTimeUtc(KeyFile);
    }

    /// <summary>Null while the device has its first key.</summary>
    public IdentityState? Identity
    {
        get => _identity.TryRead();
        set => _identity.Write(value ?? throw new ArgumentNullException(nameof(value)));
    }

    public FollowState? TryFollow => _follow.TryRead();

    public FollowState Follow
    {
        get => RequireSetUp();
        set => _follow.Write(value);
    }

    public EnrolmentState Enrolment
    {
        get => _enrolment.TryRead() ?? new EnrolmentState();
        set => _enrolment.Write(value);
    }

    public DeploymentsState Deployments
    {
        get => _deployments.TryRead() ?? new DeploymentsState(1, []);
        set => _deployments.Write(value);
    }

    public EventsState Events
    {
        get => _events.TryRead() ?? new EventsState(0, []);
        set => _events.Write(value);
    }

    /// <summary>Null before the first trial.</summary>
    public TrialState? Trial
    {
        get => _trial.TryRead();
        set => _trial.Write(value ?? throw new ArgumentNullException(nameof(value)));
    }

    public LastState Last
    {
        get => _last.TryRead() ?? new LastState();
        set => _last.Write(value);
    }

    public InventoryState Inventory
    {
        get => _inventory.TryRead() ?? new InventoryState();
        set => _inventory.Write(value);
    }

    public BarrierState Barriers
    {
        get => _barriers.TryRead() ?? new BarrierState();
        set => _barriers.Write(value);
    }

    public DriftState Drift
    {
        get => _drift.TryRead() ?? new DriftState();
        set => _drift.Write(value);
    }

    /// <summary>How far the running download is.</summary>
    public FetchingFile Fetching { get; } = new(root);

    public ScrubState Scrub
    {
        get => _scrub.TryRead() ?? new ScrubState();
        set => _scrub.Write(value);
    }

    public ConfigurationState Configuration
    {
        get => _configuration.TryRead() ?? new ConfigurationState();
        set => _configuration.Write(value);
    }

    public TransferState Transfer
    {
        get => _transfer.TryRead() ?? new TransferState();
        set => _transfer.Write(value);
    }

    /// <exception cref="Store.Repositories.StoreNotFoundException">There is no "follow.json", which "init" writes last.</exception>
    public FollowState RequireSetUp() =>
        _follow.TryRead() ?? throw new Store.Repositories.StoreNotFoundException($"{root.Top}: not set up; 'ctree init' does it");

    /// <summary>Queues an event for the server. The one that was queued last is not queued again: steps are repeated after a crash.</summary>
    public void Happened(string kind, ObjectId? commit, DeploymentName? deployment, ExitCode code = ExitCode.Done, string? message = null)
    {
        message = message is null ? null : OneLine(message);
        var events = Events;
        var name = deployment?.ToString();
        if (events.Events is [.., var last] && last.Kind == kind && last.Commit == commit && last.Deployment == name &&
            last.Code == (int)code && last.Message == message)
            return;
        Events = events.With(new ReportEvent(0, clock.GetUtcNow(), kind, commit, name, (int)code, message));
    }

    // What a server would refuse would stand in the queue for ever.
    private static string OneLine(string message) =>
        string.Concat(message.Take(MaxMessage).Select(c => char.IsControl(c) ? ' ' : c));
}
