using System.Globalization;
using ContentTree.BootFile;

namespace ContentTree.BootSelector;

/// <summary>
/// Nothing is left to boot: tells so, waits (each time twice as long, up to an hour), grants fresh tries and reboots. So a
/// device that lost its tries to power cuts comes back by itself, and one that is really broken does not spin.
/// </summary>
internal sealed class Rescue(KernelCommandLine commandLine, Terminal terminal)
{
    private const int FirstWaitSeconds = 10;
    private const int LongestWaitSeconds = 3600;
    private const int MaxDoublings = 12;
    private const int AtOnceMilliseconds = 3000;

    /// <summary>Forgets the rescues of the past, once a confirmed deployment boots.</summary>
    public static void Forget(DeviceLayout layout) => _ = Libc.unlink(CounterPath(layout));

    /// <summary>
    /// Tells what is wrong, waits and reboots; with <c>ctree.rescue=shell</c> a shell takes the place of the wait. Returns only when the reboot failed.
    /// Without a physical root there is nowhere to count, and the wait is a fixed one.
    /// </summary>
    /// <exception cref="IOException">The root is no memory file system, so this is no initramfs.</exception>
    public int Reboot(DeviceLayout? layout, Selector? selector)
    {
        // Typed by mistake on a running system this would be a rude surprise.
        if (!Handover.IsInMemory("/"))
            throw new IOException("--rescue is for an initramfs: the root here is a disk");
        Tell(layout, selector);
        if (commandLine["ctree.rescue"] == "shell" && HasUsedShell(layout))
            terminal.Say("rescue: the shell was left, rebooting");
        else
            Wait(WaitSeconds(layout));
        if (selector?.Look().Decision is BootDecision.Rescue { NewRound: { } record })
            GrantTries(selector, record);
        Libc.sync();
        _ = Libc.reboot(Libc.RB_AUTOBOOT);
        terminal.Say(Kernel.Error("cannot reboot", "the machine").Message);
        return ExitCode.Rescue;
    }

    private void Tell(DeviceLayout? layout, Selector? selector)
    {
        terminal.Say("rescue: nothing can be booted");
        if (layout is null || selector is null)
        {
            terminal.Say("  the disk with /ctree is not there: ctree.root= on the kernel's command line names it");
            return;
        }
        foreach (var line in RescueNote.Lines(layout, selector.Look().Record, selector.Excluded))
            terminal.Say(line);
    }

    // One that ends at once has no input, or crashes: then it must not spin.
    private bool HasUsedShell(DeviceLayout? layout)
    {
        var started = Environment.TickCount64;
        return new RescueShell(layout, terminal).Run() && Environment.TickCount64 - started >= AtOnceMilliseconds;
    }

    private void Wait(int seconds)
    {
        terminal.Say($"rescue: nothing can be booted; rebooting in {seconds} s (ctree.rescue=shell gives a shell)");
        Thread.Sleep(TimeSpan.FromSeconds(seconds));
    }

    private int WaitSeconds(DeviceLayout? layout)
    {
        var first = commandLine.Seconds("ctree.rescue-wait", FirstWaitSeconds);
        var before = layout is null ? MaxDoublings / 2 : Count(layout);
        return (int)Math.Min((long)first << before, LongestWaitSeconds);
    }

    /// <summary>How many rescues there were since a confirmed boot; counts this one.</summary>
    private int Count(DeviceLayout layout)
    {
        var path = CounterPath(layout);
        _ = int.TryParse(SmallFile.Read(path).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var count);
        count = Math.Min(count, MaxDoublings);
        try
        {
            SmallFile.Write(path, (count + 1).ToString(CultureInfo.InvariantCulture) + "\n");
            return count;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            terminal.Say("cannot count the rescue: " + e.Message);
            return MaxDoublings / 2;
        }
    }

    private void GrantTries(Selector selector, BootRecord record)
    {
        try
        {
            selector.Save(record);
        }
        catch (IOException e)
        {
            terminal.Say("cannot grant fresh tries: " + e.Message);
        }
    }

    private static string CounterPath(DeviceLayout layout) => Path.Combine(layout.State, "rescues");
}
