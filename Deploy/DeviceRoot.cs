using ContentTree.BootFile;

namespace ContentTree.Deploy;

/// <summary>The physical root that holds <c>ctree/</c>, and the paths below it that only this program uses.</summary>
/// <param name="Path">The root, usually "/".</param>
/// <param name="IsGiven">
/// It was given with --root: then nothing outside it is read or written, and nothing is rebooted, so that tests and images can be
/// worked on from any machine.
/// </param>
internal sealed record DeviceRoot(string Path, bool IsGiven)
{
    public DeviceLayout Layout { get; } = new(Path);

    public string Top => System.IO.Path.Combine(Path, "ctree");

    public string Store => System.IO.Path.Combine(Top, "store");

    public string Trust => System.IO.Path.Combine(Layout.State, "trust");

    /// <summary>Public keys of developers whose trees this device takes too; empty or absent on every other.</summary>
    public string Developers => System.IO.Path.Combine(Trust, "developers");

    public string Data => System.IO.Path.Combine(Top, "data");

    /// <summary>What the server says of this device for its applications.</summary>
    public string Configuration => System.IO.Path.Combine(Data, "configuration");

    /// <summary>Where those are looked for who are told when that changes.</summary>
    public IReadOnlyList<string> ConfigurationHooks =>
        [System.IO.Path.Combine(Top, "configuration.d"), Below("etc/ctree/configuration.d")];

    public string BlackBox => System.IO.Path.Combine(Layout.State, "blackbox");

    public string DeviceConfig => System.IO.Path.Combine(Top, "agent.conf");

    /// <summary>What the selector did at this boot.</summary>
    public string Booted => IsGiven ? Layout.Booted : BootedRecord.DefaultPath;

    /// <summary>Configuration files, lowest precedence first.</summary>
    public IReadOnlyList<string> ConfigFiles =>
        [Below("usr/lib/ctree/agent.conf"), DeviceConfig, Below("etc/ctree/agent.conf")];

    /// <summary>As long as this file is there, the agent changes nothing by itself: no download, no deployment, no reboot.</summary>
    public string DoNotUpdate => System.IO.Path.Combine(Top, "do_not_update");

    /// <summary>Why the agent does nothing by itself now; null while it may.</summary>
    public string? Stopped =>
        File.Exists(DoNotUpdate) ? $"nothing is done while {DoNotUpdate} exists"
        : KernelCommandLine.Read(CommandLine).IsWithoutUpdate ? "nothing is done in this boot: ctree.noupdate is on the kernel's command line"
        : null;

    /// <summary>Where required health checks are looked for.</summary>
    public IReadOnlyList<string> RequiredChecks =>
        [System.IO.Path.Combine(Top, "health.d/required"), Below("etc/ctree/health.d/required")];

    /// <summary>Where checks are looked for that only warn.</summary>
    public IReadOnlyList<string> WantedChecks =>
        [System.IO.Path.Combine(Top, "health.d/wanted"), Below("etc/ctree/health.d/wanted")];

    /// <summary>Where the kernel, and systemd after it, keep what a kernel said when it died.</summary>
    public IReadOnlyList<string> CrashRecords => [Running("sys/fs/pstore"), Running("var/lib/systemd/pstore")];

    /// <summary>What the kernel tells of watchdogs.</summary>
    public string Watchdogs => Running("sys/class/watchdog");

    /// <summary>A file that stands for the kernel's log; null: the kernel is asked.</summary>
    public string? KernelLog => IsGiven ? Below("dev/kernel-log") : null;

    /// <summary>What the kernel tells of network interfaces.</summary>
    public string NetworkInterfaces => Running("sys/class/net");

    // What belongs to the system that runs, and not to the physical root.
    private string Running(string path) => IsGiven ? Below(path) : "/" + path;

    private string CommandLine => IsGiven ? Below("proc/cmdline") : KernelCommandLine.DefaultPath;

    private string Below(string path) => System.IO.Path.Combine(Path, path);
}
