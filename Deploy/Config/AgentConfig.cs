using System.Net;

namespace ContentTree.Deploy.Config;

/// <summary>
/// What the configuration files say (docs/device.md): <c>/usr/lib/ctree/agent.conf</c>, then <c>ROOT/ctree/agent.conf</c>, then
/// <c>/etc/ctree/agent.conf</c>, the later one winning key by key.
/// </summary>
internal sealed class AgentConfig
{
    private AgentConfig(ConfigReader reader)
    {
        Server = reader.Server("server.url");
        AllowHttp = reader.Choice("server.allow-http", "warn", "true", "warn", "false");
        ServerCertificates = reader.Text("server.ca", "");
        Hardware = reader.Text("device.hardware", "");
        Serial = reader.Text("device.serial", "") is { Length: > 0 } serial ? serial : OwnSerial();
        Name = reader.Text("device.name", Environment.MachineName);
        Architecture = reader.Text("device.architecture", OwnArchitecture());
        KeyAge = reader.Duration("device.key-age", "0s");
        PollInterval = reader.Duration("poll.interval", "30min");
        PollJitter = reader.Percent("poll.jitter", "20%");
        PollRetryMin = reader.Duration("poll.retry-min", "30s");
        PollRetryMax = reader.Duration("poll.retry-max", "1h");
        Mode = reader.Choice("update.mode", "auto", "auto", "download", "manual");
        Reboot = reader.Choice("update.reboot", "auto", "auto", "never", "command");
        RebootCommand = reader.Text("update.reboot-command", "");
        Mirrors = reader.Mirrors("transfer.mirrors");
        MaxRate = reader.Bytes("transfer.max-rate", "0");
        DailyBudget = reader.Bytes("transfer.daily-budget", "0");
        QuietHours = reader.QuietHours("transfer.quiet-hours");
        Connections = reader.Number("transfer.connections", "6", 1, 64);
        ConnectTimeout = reader.Duration("transfer.connect-timeout", "15s");
        StallTimeout = reader.Duration("transfer.stall-timeout", "120s");
        Attempts = reader.Number("transfer.attempts", "6", 1, 1000);
        RetryMin = reader.Duration("transfer.retry-min", "500ms");
        RetryMax = reader.Duration("transfer.retry-max", "30s");
        NeighboursListen = reader.Endpoint("neighbours.listen");
        NeighboursConnections = reader.Number("neighbours.connections", "16", 1, 1024);
        NeighboursMaxRate = reader.Bytes("neighbours.max-rate", "4M");
        PageListen = reader.Endpoint("page.listen");
        PageHosts = reader.Words("page.hosts");
        PageWithoutPassword = reader.Flag("page.without-password", "false");
        PageMaxUpload = reader.Bytes("page.max-upload", "2G");
        AutoConfirm = reader.Choice("health.confirm", "auto", "auto", "manual") == "auto";
        CheckTimeout = reader.Duration("health.timeout", "60s");
        HealthDeadline = reader.Duration("health.deadline", "5min");
        Settle = reader.Duration("health.settle", "10s");
        ReachDeadline = reader.Duration("health.reach", "12min");
        LinkWait = reader.Duration("health.link-wait", "1d");
        FailedUnits = reader.Choice("health.failed-units", "wanted", "required", "wanted", "ignored");
        DriftCheck = reader.Duration("drift.check", "1d");
        DriftIgnored = reader.Words("drift.ignore");
        Tries = reader.Number("boot.tries", "3", 1, BootFile.BootRecord.MaxTries);
        DataPaths = reader.DataPaths("deploy.data");
        LinkPath = reader.Text("link.path", "");
        LinkServices = reader.Words("link.services");
        LinkActivate = reader.Text("link.activate", "systemctl restart ctree-link.service");
        ConfigurationServices = reader.Words("configuration.services");
        ConfigurationTimeout = reader.Duration("configuration.timeout", "60s");
        Keep = reader.Number("store.keep", "2", 1, 1000);
        MinFree = reader.Bytes("store.min-free", "16M");
        ScrubPeriod = reader.Duration("store.scrub", "30d");
        Seals = reader.Choice("store.verity", "auto", "auto", "off") == "auto";
        Unprivileged = reader.Flag("store.unprivileged", "false");
        BootDirectory = reader.Text("boot.directory", "");
        Loader = reader.Choice("boot.loader", "none", "none", "uboot", "grub", "systemd-boot", "extlinux");
        KernelOptions = reader.Text("boot.options", "");
        DeviceTree = reader.Text("boot.devicetree", "");
        LoaderEnvironment = reader.Text("boot.environment", "/etc/fw_env.config");
        Kernel = reader.Choice("boot.kernel", "same", "same", "any");
        Effective = reader.Effective;
        IsPollIntervalSet = Effective.Any(s => s is { Key: "poll.interval", Origin: not ConfigSetting.Default });
        Unknown = [.. reader.Unknown];
    }

    public Uri? Server { get; }

    /// <summary>Whether the server may be another machine without TLS: true, warn or false. Devices that were set up before there was a choice go on.</summary>
    public string AllowHttp { get; }

    /// <summary>The server is asked without TLS, and nobody has said that this is meant.</summary>
    public bool IsHttpDoubtful => AllowHttp == "warn" && Server is { } server && IsReadable(server);

    /// <summary>A PEM file: the only authorities that may vouch for the server; empty: those of the system.</summary>
    public string ServerCertificates { get; }

    /// <summary>What commits' "compatible" is compared with; empty if not known.</summary>
    public string Hardware { get; }

    public string Name { get; }

    /// <summary>What is printed on the board; empty if not known.</summary>
    public string Serial { get; }

    /// <summary>As uname -m spells it.</summary>
    public string Architecture { get; }

    /// <summary>How old the device's key may become before the agent changes it; zero: any age.</summary>
    public TimeSpan KeyAge { get; }

    public TimeSpan PollInterval { get; }

    /// <summary>The interval stands in a file; otherwise the server's wish counts more than our default.</summary>
    public bool IsPollIntervalSet { get; }

    /// <summary>By how much of itself an interval varies, 0 to 1.</summary>
    public double PollJitter { get; }

    public TimeSpan PollRetryMin { get; }

    public TimeSpan PollRetryMax { get; }

    /// <summary>auto: the whole job; download: fetch and wait; manual: only tell the server.</summary>
    public string Mode { get; }

    /// <summary>auto, never or command.</summary>
    public string Reboot { get; }

    public string RebootCommand { get; }

    /// <summary>Copies of the repository that are asked before the server: addresses and directories.</summary>
    public IReadOnlyList<Uri> Mirrors { get; }

    /// <summary>Bytes a second over all connections; 0: no limit.</summary>
    public long MaxRate { get; }

    /// <summary>Bytes a day, counted from midnight UTC; 0: no limit.</summary>
    public long DailyBudget { get; }

    /// <summary>When nothing is downloaded; null: any time will do.</summary>
    public QuietHours? QuietHours { get; }

    public int Connections { get; }

    public TimeSpan ConnectTimeout { get; }

    /// <summary>A transfer that brings no byte for this long is cut; there is no limit to the whole.</summary>
    public TimeSpan StallTimeout { get; }

    /// <summary>How often in a row a download may fail within one run.</summary>
    public int Attempts { get; }

    public TimeSpan RetryMin { get; }

    public TimeSpan RetryMax { get; }

    /// <summary>Where other devices may ask for public objects; null: nowhere.</summary>
    public IPEndPoint? NeighboursListen { get; }

    /// <summary>Connections of theirs at a time.</summary>
    public int NeighboursConnections { get; }

    /// <summary>Bytes a second for all of them together; 0: no limit.</summary>
    public long NeighboursMaxRate { get; }

    /// <summary>Where the device shows its page; null: nowhere.</summary>
    public IPEndPoint? PageListen { get; }

    /// <summary>Names by which browsers may know it, other than the address.</summary>
    public IReadOnlyList<string> PageHosts { get; }

    /// <summary>Whoever reaches it may steer the device, also from elsewhere than this machine.</summary>
    public bool PageWithoutPassword { get; }

    /// <summary>Bytes that a bundle may have which comes by the page.</summary>
    public long PageMaxUpload { get; }

    public bool AutoConfirm { get; }

    public TimeSpan CheckTimeout { get; }

    /// <summary>How long after a boot health checks may still fail.</summary>
    public TimeSpan HealthDeadline { get; }

    /// <summary>How long checks must go on passing before a trial is confirmed.</summary>
    public TimeSpan Settle { get; }

    /// <summary>How long after a boot the server may stay out of reach of a trial that had reached it before; zero: for ever.</summary>
    public TimeSpan ReachDeadline { get; }

    /// <summary>The same while no network interface has a link, which is hardly the fault of a tree.</summary>
    public TimeSpan LinkWait { get; }

    /// <summary>What units are that fail in a trial and did not before: required, wanted or ignored.</summary>
    public string FailedUnits { get; }

    /// <summary>How often <c>/etc</c> is compared with its tree's, beside once in each boot; zero: never.</summary>
    public TimeSpan DriftCheck { get; }

    /// <summary>Paths below <c>/etc</c> that are passed over then, with <c>*</c> and <c>?</c>.</summary>
    public IReadOnlyList<string> DriftIgnored { get; }

    /// <summary>Boots that a trial is given.</summary>
    public int Tries { get; }

    /// <summary>Paths of a deployment, beside /var, whose content is the device's own.</summary>
    public IReadOnlyList<string> DataPaths { get; }

    /// <summary>The symlink that leads to the running deployment, on a device whose system somebody else boots; empty where deployments are booted.</summary>
    public string LinkPath { get; }

    /// <summary>Deployments are activated by a symlink, not by booting them.</summary>
    public bool IsLinked => LinkPath.Length > 0;

    /// <summary>What is restarted when the link leads elsewhere.</summary>
    public IReadOnlyList<string> LinkServices { get; }

    /// <summary>Runs the selector for the link; by /bin/sh.</summary>
    public string LinkActivate { get; }

    /// <summary>What is restarted when the device's configuration has changed.</summary>
    public IReadOnlyList<string> ConfigurationServices { get; }

    /// <summary>What each hook gets that is told of a change.</summary>
    public TimeSpan ConfigurationTimeout { get; }

    /// <summary>Confirmed deployments to keep.</summary>
    public int Keep { get; }

    /// <summary>Bytes that stay free.</summary>
    public long MinFree { get; }

    /// <summary>In which the agent reads the whole store through once; zero: never.</summary>
    public TimeSpan ScrubPeriod { get; }

    /// <summary>Stored files are sealed with fs-verity where the filesystem has it.</summary>
    public bool Seals { get; }

    /// <summary>Owners and privileged attributes are recorded but not applied.</summary>
    public bool Unprivileged { get; }

    /// <summary>Where the boot file is, if not in <c>ctree/boot</c>.</summary>
    public string BootDirectory { get; }

    /// <summary>none, uboot, grub, systemd-boot or extlinux.</summary>
    public string Loader { get; }

    /// <summary>The kernel command line of the entries that are written.</summary>
    public string KernelOptions { get; }

    /// <summary>Which device tree of several; empty: the only one.</summary>
    public string DeviceTree { get; }

    /// <summary>fw_env.config: where U-Boot's environment is.</summary>
    public string LoaderEnvironment { get; }

    /// <summary>Without a loader, same: only trees with the kernel of the one in use; any: whatever kernel they have.</summary>
    public string Kernel { get; }

    public IReadOnlyList<ConfigSetting> Effective { get; }

    public IReadOnlyList<ConfigSetting> Unknown { get; }

    /// <exception cref="ConfigException">A line or value cannot be used.</exception>
    public static AgentConfig Load(DeviceRoot root) => new(new ConfigReader(root.ConfigFiles.SelectMany(IniFile.Read)));

    /// <summary>Everybody on the way could read along: no TLS, and not this machine.</summary>
    public static bool IsReadable(Uri server) => server.Scheme == Uri.UriSchemeHttp && !server.IsLoopback;

    // Only what boards with a device tree say: in a PC's firmware it is mostly what the maker forgot to fill in.
    private static string OwnSerial()
    {
        const string path = "/proc/device-tree/serial-number";
        return File.Exists(path) ? File.ReadAllText(path).Trim('\0', '\n', ' ') : "";
    }

    private static string OwnArchitecture() => System.Runtime.InteropServices.RuntimeInformation.OSArchitecture switch
    {
        System.Runtime.InteropServices.Architecture.X64 => "x86_64",
        System.Runtime.InteropServices.Architecture.X86 => "i386",
        System.Runtime.InteropServices.Architecture.Arm64 => "aarch64",
        System.Runtime.InteropServices.Architecture.Arm or System.Runtime.InteropServices.Architecture.Armv6 => "arm",
        System.Runtime.InteropServices.Architecture.Ppc64le => "ppc64le",
        var other => other.ToString().ToLowerInvariant(),
    };
}
