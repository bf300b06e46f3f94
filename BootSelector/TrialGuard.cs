using System.Globalization;
using System.Text;
using ContentTree.BootFile;

namespace ContentTree.BootSelector;

/// <summary>
/// Sees to it that a trial ends even when the kernel panics, the tree hangs or its agent never runs: a reboot after a panic, a deadline unit
/// for systemd, and the hardware watchdog, which systemd is told to feed. All are gone after the boot.
/// </summary>
internal sealed class TrialGuard(KernelCommandLine commandLine, Terminal terminal)
{
    private const string Units = "/run/systemd/system";
    private const string Name = "ctree-trial-deadline";
    private const string LastWordsScript = "/run/ctree/last-words.sh";
    private const string Panic = "/proc/sys/kernel/panic";
    private const string PanicOnOops = "/proc/sys/kernel/panic_on_oops";
    private const string PanicSeconds = "10";
    private const int DefaultDeadlineSeconds = 15 * 60;
    private const int DefaultWatchdogSeconds = 60;

    // A tree may get stuck long before its timers start, so every early way through a boot pulls the timer in.
    private static readonly string[] WantedBy = ["sysinit.target", "timers.target", "emergency.target", "rescue.target"];

    /// <summary>A guard that cannot be put up is told; the trial is counted anyway.</summary>
    public void Arm(DeploymentName trial, bool hasSystemd)
    {
        try
        {
            EndPanics();
            if (hasSystemd)
                DropDeadline(trial, commandLine.Seconds("ctree.deadline", DefaultDeadlineSeconds));
            // Who else than systemd would feed it is unknown here: others have to ask for it.
            StartWatchdog(commandLine.Seconds("ctree.watchdog", hasSystemd ? DefaultWatchdogSeconds : 0), hasSystemd);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            terminal.Say("no guard for the trial: " + e.Message);
        }
    }

    // A kernel that panics waits for a person, unless it was told how long; and one that stumbled goes on half dead.
    private void EndPanics()
    {
        // Somebody wants to read it on the screen; and called by hand on a running system, its own settings stay.
        if (commandLine["panic"] == "0" || !Handover.IsInMemory("/"))
            return;
        if (RegularFile.ReadUnsized(Panic).Trim() == "0")
            TrySet(Panic, PanicSeconds);
        TrySet(PanicOnOops, "1");
    }

    private void TrySet(string path, string value)
    {
        try
        {
            using var file = RegularFile.Open(path, Kernel.O_WRONLY);
            file.Overwrite(Encoding.ASCII.GetBytes(value));
        }
        catch (IOException e)
        {
            terminal.Say(e.Message);
        }
    }

    private static void DropDeadline(DeploymentName trial, int seconds)
    {
        if (seconds == 0)
            return;
        // /var is the device's, so the next tree can read it.
        SmallFile.Write(LastWordsScript, LastWords.Script(trial, $"/var/{DeviceLayout.LastWordsInVar}"));
        SmallFile.Write($"{Units}/{Name}.timer", string.Create(CultureInfo.InvariantCulture, $"""
            [Unit]
            Description=Deadline of the ContentTree trial
            DefaultDependencies=no

            [Timer]
            OnActiveSec={seconds}
            AccuracySec=1s

            """));
        SmallFile.Write($"{Units}/{Name}.service", $"""
            [Unit]
            Description=End the ContentTree trial that nobody confirmed
            DefaultDependencies=no
            ConditionPathExists=!/run/ctree/confirmed
            SuccessAction=reboot-force
            FailureAction=reboot-force

            [Service]
            Type=oneshot
            TimeoutStartSec=30
            TimeoutStopSec=5
            StandardOutput=journal+console
            ExecStart=-/bin/echo ctree: the trial was not confirmed in time, rebooting
            ExecStart=-/bin/sh {LastWordsScript}

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
        var fd = Kernel.Open("/dev/watchdog", Kernel.O_WRONLY | Kernel.O_CLOEXEC, 0);
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
