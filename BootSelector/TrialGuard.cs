using System.Globalization;
using ContentTree.BootFile;

namespace ContentTree.BootSelector;

/// <summary>
/// Sees to it that a trial ends even when the tree hangs or its agent never runs: a deadline unit for systemd, and the hardware
/// watchdog, which systemd is told to feed. Both live in /run and are gone after the boot.
/// </summary>
internal sealed class TrialGuard(KernelCommandLine commandLine, Terminal terminal)
{
    private const string Units = "/run/systemd/system";
    private const string Name = "ctree-trial-deadline";
    private const int DefaultDeadlineSeconds = 15 * 60;
    private const int DefaultWatchdogSeconds = 60;

    // A tree may get stuck long before its timers start, so every early way through a boot pulls the timer in.
    private static readonly string[] WantedBy = ["sysinit.target", "timers.target", "emergency.target", "rescue.target"];

    /// <summary>A guard that cannot be put up is told; the trial is counted anyway.</summary>
    public void Arm(bool hasSystemd)
    {
        try
        {
            if (hasSystemd)
                DropDeadline(commandLine.Seconds("ctree.deadline", DefaultDeadlineSeconds));
            // Who else than systemd would feed it is unknown here: others have to ask for it.
            StartWatchdog(commandLine.Seconds("ctree.watchdog", hasSystemd ? DefaultWatchdogSeconds : 0), hasSystemd);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            terminal.Say("no guard for the trial: " + e.Message);
        }
    }

    private static void DropDeadline(int seconds)
    {
        if (seconds == 0)
            return;
        SmallFile.Write($"{Units}/{Name}.timer", string.Create(CultureInfo.InvariantCulture, $"""
            [Unit]
            Description=Deadline of the ContentTree trial
            DefaultDependencies=no

            [Timer]
            OnActiveSec={seconds}
            AccuracySec=1s

            """));
        SmallFile.Write($"{Units}/{Name}.service", """
            [Unit]
            Description=End the ContentTree trial that nobody confirmed
            DefaultDependencies=no
            ConditionPathExists=!/run/ctree/confirmed
            SuccessAction=reboot-force

            [Service]
            Type=oneshot
            StandardOutput=journal+console
            ExecStart=/bin/echo ctree: the trial was not confirmed in time, rebooting

            """);
        foreach (var target in WantedBy)
        {
            Directory.CreateDirectory($"{Units}/{target}.wants");
            File.CreateSymbolicLink($"{Units}/{target}.wants/{Name}.timer", $"../{Name}.timer");
        }
    }

    private unsafe void StartWatchdog(int seconds, bool hasSystemd)
    {
        if (seconds == 0 || Kernel.StatusOf("/dev/watchdog") is null)
            return;
        var fd = Kernel.open("/dev/watchdog", Kernel.O_WRONLY | Kernel.O_CLOEXEC, 0);
        if (fd < 0)
            throw Kernel.Error("cannot start the watchdog", "/dev/watchdog");
        if (Libc.ioctl(fd, Libc.WDIOC_SETTIMEOUT, &seconds) != 0)
            terminal.Say(Kernel.Error("cannot set the time of", "/dev/watchdog").Message);
        // Closed without its magic letter it runs on.
        _ = Kernel.close(fd);
        if (hasSystemd)
            SmallFile.Write("/run/systemd/system.conf.d/ctree-trial.conf", string.Create(CultureInfo.InvariantCulture, $"[Manager]\nRuntimeWatchdogSec={seconds}\n"));
    }
}
